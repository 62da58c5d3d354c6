import CKernels
import Compute
import Testing

@Suite struct KernelsTests {
  @Test func theScalarVersionIsAlwaysThereAndTheBestIsOneThatRuns() {
    #expect(Kernels.available.first?.name == "scalar")
    #expect(Kernels.available.contains { $0.isa == ck_best() })
    #expect(Kernels.available.contains(.shared))
  }

  @Test func namesAreUniqueAndUnknownOnesAreRefused() {
    let names = Kernels.available.map(\.name)
    #expect(Set(names).count == names.count && !names.contains("unknown"))
    #expect(Kernels(named: "mmx") == nil)
    #expect(ck_supported(-1) == 0 && ck_supported(99) == 0 && ck_isa_name(99) == nil)
  }
}
