import CKernels
import Glibc

/// The kernels of one instruction set, behind bounds-checked faces.
///
/// A value is a choice of instruction set; every choice computes the same bits (see ckernels.h).
package struct Kernels: Sendable, Equatable {
  package let isa: Int32

  /// The best set this machine has, or the one that the environment variable `PACELINE_ISA` names
  /// (`scalar`, `avx2`, `avx512`, `neon`) where it can run here.
  package static let shared: Kernels = {
    guard let wanted = unsafe getenv("PACELINE_ISA"),
      let named = unsafe Kernels(named: String(cString: wanted))
    else { return Kernels(isa: ck_best()) }
    return named
  }()

  /// Every set that can run on this machine, portable first.
  package static var available: [Kernels] {
    (0..<Int32(CK_ISA_LIMIT)).filter { ck_supported($0) != 0 }.map(Kernels.init(isa:))
  }

  private init(isa: Int32) { self.isa = isa }

  /// The set of that name, or nil where it is unknown or cannot run here.
  package init?(named name: String) {
    guard let found = Kernels.available.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  package var name: String {
    guard let name = unsafe ck_isa_name(isa) else { return "unknown" }
    return unsafe String(cString: name)
  }
}
