import Compute
import Glibc

extension Candidates {
  /// Removes all but the least probable of the tokens that are at least `threshold` probable.
  ///
  /// Of equally probable ones the highest token stays. "Exclude top choices"; its author describes it in
  /// oobabooga/text-generation-webui, pull request 6335. Whether it acts on a token is the caller's draw.
  func excludeTopChoices(threshold: Double) -> Bool {
    guard count > 1, threshold > 0, threshold <= 0.5 else { return false }
    let mass = mass
    let least = Float(Double(mass.shift) + log(threshold * mass.total))
    if isDense { gather(atLeast: least) }
    let likely = entries.filter { $0.logit >= least }
    guard likely.count > 1, var stays = likely.first else { return false }
    for entry in likely where entry.logit <= stays.logit { stays = entry }
    if isDense {
      for entry in likely where entry.token != stays.token { edit(entry.token, to: -.infinity) }
    } else {
      entries.removeAll { $0.logit >= least && $0.token != stays.token }
      entriesWereCut(count: entries.count)
    }
    return true
  }
}
