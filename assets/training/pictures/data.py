"""Builds the set of captioned pictures that the generators learn from, out of four Debian packages.

    python3 data.py FOLDER [--packages DIR]

fetches fonts-noto-color-emoji, ruby-gemojione, unicode-data and unicode-cldr-core with `apt-get download` (or takes them
from DIR), unpacks them below FOLDER, and writes FOLDER/pictures.npz:

    pictures   n x 64 x 64 x 4 bytes, red, green, blue and alpha, colours multiplied by alpha
    vendor     0 Noto, 1 Gemojione
    concept    index into the concepts; variants of skin tone and gender of one thing are one concept
    split      0 train, 1 held-out concept, 2 held-out drawing (the second vendor's, of concepts that are learned)
    names, keywords, groups, subgroups   of each picture

One concept in ten is held out, chosen by a hash of its code points, so that the choice never depends on the order; of the
second vendor no picture is ever learned from. Needs fontTools, Pillow and NumPy.

Sources: Noto Color Emoji (SIL Open Font License 1.1), Gemojione (CC BY 4.0, EmojiOne 2.2), names and keywords of the Unicode
Common Locale Data Repository (Unicode licence).
"""

import argparse
import glob
import hashlib
import io
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image

PACKAGES = ["fonts-noto-color-emoji", "ruby-gemojione", "unicode-data", "unicode-cldr-core"]
SIZE = 64
TONES = range(0x1F3FB, 0x1F400)
JOINER, VARIATION = 0x200D, 0xFE0F
PERSONS = {0x1F468, 0x1F469, 0x1F9D1}
GENDERS = {0x2640, 0x2642}


def unpack(folder, packages):
    root = f"{folder}/root"
    if os.path.isdir(f"{root}/usr/share/unicode"):
        return root
    if packages is None:
        packages = f"{folder}/packages"
        os.makedirs(packages, exist_ok=True)
        subprocess.run(["apt-get", "download", *PACKAGES], cwd=packages, check=True)
    for name in PACKAGES:
        found = sorted(glob.glob(f"{packages}/{name}_*.deb"))
        if not found:
            raise SystemExit(f"{packages} holds no package {name}")
        subprocess.run(["dpkg-deb", "-x", found[-1], root], check=True)
    return root


def sequences(root):
    """Code points, group, subgroup and name of every fully qualified emoji, in the order of the Unicode list."""
    group = subgroup = ""
    with open(f"{root}/usr/share/unicode/emoji/emoji-test.txt", encoding="utf-8") as file:
        for line in file:
            if line.startswith("# group:"):
                group = line.split(":", 1)[1].strip()
            elif line.startswith("# subgroup:"):
                subgroup = line.split(":", 1)[1].strip()
            elif "; fully-qualified" in line:
                points = tuple(int(word, 16) for word in line.split(";")[0].split())
                name = re.sub(r"^\S+ E\d+\.\d+ ", "", line.split("#", 1)[1].strip())
                yield points, group, subgroup, name


def keywords(root):
    """Keywords of the English annotations by code points without variation selectors."""
    found = {}
    for folder in ["annotations", "annotationsDerived"]:
        tree = ElementTree.parse(f"{root}/usr/share/unicode/cldr/common/{folder}/en.xml")
        for note in tree.iter("annotation"):
            points = tuple(ord(c) for c in note.get("cp") if ord(c) != VARIATION)
            if note.get("type") != "tts" and note.text:
                found[points] = [word.strip() for word in note.text.split("|")]
    return found


def concept_key(points):
    """The same for variants in skin tone and gender."""
    key = []
    for point in points:
        if point in TONES or point == VARIATION or point in GENDERS:
            continue
        key.append(0x1F9D1 if point in PERSONS else point)
    while key and key[-1] == JOINER:
        key.pop()
    return tuple(key)


class ColourFont:
    """The bitmaps of a font with colour bitmaps, by code points."""

    def __init__(self, path):
        font = TTFont(path)
        self.glyphs = font.getBestCmap()
        self.bitmaps = font["CBDT"].strikeData[0]
        self.ligatures = {}
        for lookup in font["GSUB"].table.LookupList.Lookup:
            for table in lookup.SubTable:
                table = getattr(table, "ExtSubTable", table)
                if table.LookupType != 4:
                    continue
                for first, found in table.ligatures.items():
                    for ligature in found:
                        self.ligatures[(first, *ligature.Component)] = ligature.LigGlyph

    def picture(self, points):
        """An image in RGBA; None where the font has none for the whole sequence."""
        glyphs = [self.glyphs.get(point) for point in points if point != VARIATION]
        if None in glyphs:
            return None
        while len(glyphs) > 1:
            for length in range(len(glyphs), 1, -1):
                whole = self.ligatures.get(tuple(glyphs[:length]))
                if whole:
                    glyphs[:length] = [whole]
                    break
            else:
                return None
        bitmap = self.bitmaps.get(glyphs[0])
        if bitmap is None:
            return None
        return Image.open(io.BytesIO(bitmap.imageData)).convert("RGBA")


def squared(image):
    """In the middle of a square of `SIZE` pixels, colours multiplied by alpha before they are mixed."""
    side = max(image.size)
    canvas = Image.new("RGBA", (side, side))
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    straight = np.asarray(canvas, np.float32)
    straight[..., :3] *= straight[..., 3:] / 255
    planes = [
        np.asarray(Image.fromarray(straight[..., plane]).resize((SIZE, SIZE), Image.LANCZOS))
        for plane in range(4)]
    mixed = np.clip(np.rint(np.stack(planes, -1)), 0, 255)
    mixed[..., :3] = np.minimum(mixed[..., :3], mixed[..., 3:])
    return mixed.astype(np.uint8)


def is_held_out(key):
    digest = hashlib.sha256(" ".join(f"{point:X}" for point in key).encode()).digest()
    return digest[0] < 26


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--packages", help="a folder with the packages; without it they are fetched")
    options = parser.parse_args()
    root = unpack(options.folder, options.packages)
    font = ColourFont(glob.glob(f"{root}/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")[0])
    second = glob.glob(f"{root}/usr/share/rubygems-integration/all/gems/gemojione-*/assets/png")[0]
    words = keywords(root)
    concepts, rows, missing = {}, [], 0
    for points, group, subgroup, name in sequences(root):
        key = concept_key(points)
        plain = tuple(point for point in points if point != VARIATION)
        toneless = tuple(point for point in plain if point not in TONES)
        notes = words.get(plain) or words.get(toneless) or []
        concept = concepts.setdefault(key, len(concepts))
        held_out = is_held_out(key)
        image = font.picture(points)
        if image is None:
            missing += 1
        else:
            rows.append((squared(image), 0, concept, int(held_out), name, notes, group, subgroup))
        for spelled in (points, plain):
            path = f"{second}/{'-'.join(f'{point:04X}' for point in spelled)}.png"
            if os.path.exists(path):
                image = Image.open(path).convert("RGBA")
                rows.append((squared(image), 1, concept, 1 if held_out else 2, name, notes, group, subgroup))
                break
    columns = list(zip(*rows))
    np.savez_compressed(
        f"{options.folder}/pictures.npz", pictures=np.stack(columns[0]), vendor=np.array(columns[1], np.uint8),
        concept=np.array(columns[2], np.int32), split=np.array(columns[3], np.uint8), names=np.array(columns[4]),
        keywords=np.array(["|".join(notes) for notes in columns[5]]), groups=np.array(columns[6]),
        subgroups=np.array(columns[7]))
    split = np.array(columns[3])
    print(f"{len(rows)} pictures of {len(concepts)} concepts, {missing} not in the font: "
          f"{(split == 0).sum()} to learn from, {(split == 1).sum()} of held-out concepts, "
          f"{(split == 2).sum()} held-out drawings")


if __name__ == "__main__":
    main()
