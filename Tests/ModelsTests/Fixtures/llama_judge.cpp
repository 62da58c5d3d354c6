// Prints what llama.cpp makes of strings, one a line on standard input, each in hexadecimal.
//
//   tokens MODEL     ids without special tokens; a bar; ids with them (nothing where they are the same)
//   pieces MODEL     for every token its bytes without and with special tokens shown, in hexadecimal
//   split NAME       byte lengths of the words that the pre-tokenizer NAME makes
//   kinds            one digit per Unicode scalar value below 0x32400 (no input): letter 0, number 1, white space 2, punctuation 3,
//                    other 4
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "llama.h"
#include "unicode.h"

static std::string from_hex(const std::string &hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back((char)std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

static const std::string gpt2 =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
static const std::string modern_head =
    "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
static const std::string modern_tail = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

// The expressions that llama.cpp gives each pre-tokenizer, in order.
static std::vector<std::string> expressions(const std::string &name) {
  if (name == "gpt-2") return {gpt2};
  if (name == "smollm") return {"\\p{N}", gpt2};
  if (name == "llama-bpe") return {modern_head + "\\p{N}{1,3}" + modern_tail};
  if (name == "qwen2") return {modern_head + "\\p{N}" + modern_tail};
  if (name == "default") return {"[\\p{P}\\$\\+<=>\\^~\\|]+", gpt2, "\\p{N}+", "[0-9][0-9][0-9]"};
  return {};
}

static int split(const std::string &name) {
  const auto list = expressions(name);
  if (list.empty()) return 2;
  for (std::string line; std::getline(std::cin, line);) {
    const char *space = "";
    for (const auto &word : unicode_regex_split(from_hex(line), list, false)) {
      printf("%s%zu", space, word.size());
      space = " ";
    }
    printf("\n");
  }
  return 0;
}

static int kinds() {
  for (uint32_t c = 0; c < 0x32400; c++) {
    if (c >= 0xD800 && c < 0xE000) continue;
    const auto flags = unicode_cpt_flags_from_cpt(c);
    putchar(flags.is_letter ? '0' : flags.is_number ? '1' : flags.is_whitespace ? '2' : flags.is_punctuation ? '3' : '4');
  }
  return 0;
}

static std::string ids(const llama_vocab *vocab, const std::string &text, bool special) {
  std::vector<llama_token> tokens(text.size() + 16);
  const int count = llama_tokenize(vocab, text.data(), text.size(), tokens.data(), tokens.size(), false, special);
  std::string line;
  for (int i = 0; i < count; i++) line += (i ? " " : "") + std::to_string(tokens[i]);
  return line;
}

int main(int count, char **arguments) {
  const std::string mode = count > 1 ? arguments[1] : "";
  if (mode == "split" && count > 2) return split(arguments[2]);
  if (mode == "kinds") return kinds();
  if (count < 3) return 2;
  llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
  llama_backend_init();
  auto parameters = llama_model_default_params();
  parameters.vocab_only = true;
  const llama_model *model = llama_model_load_from_file(arguments[2], parameters);
  if (!model) return 1;
  const llama_vocab *vocab = llama_model_get_vocab(model);
  if (mode == "tokens") {
    for (std::string line; std::getline(std::cin, line);) {
      const std::string text = from_hex(line), plain = ids(vocab, text, false), special = ids(vocab, text, true);
      printf("%s|%s\n", plain.c_str(), plain == special ? "" : special.c_str());
    }
  } else if (mode == "pieces") {
    for (int token = 0; token < llama_vocab_n_tokens(vocab); token++) {
      for (int special = 0; special < 2; special++) {
        char piece[4096];
        const int bytes = llama_token_to_piece(vocab, token, piece, sizeof piece, 0, special);
        for (int i = 0; i < bytes; i++) printf("%02x", (unsigned char)piece[i]);
        printf(special ? "\n" : " ");
      }
    }
  }
  return 0;
}
