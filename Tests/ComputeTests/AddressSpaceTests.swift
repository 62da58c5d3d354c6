import Compute
import Testing

@Suite struct AddressSpaceTests {
  @Test func whatNoMachineHasIsRefused() {
    #expect(AddressSpace.hasRoom(for: 0))
    #expect(AddressSpace.hasRoom(for: 1 << 30))
    #expect(!AddressSpace.hasRoom(for: 1 << 60))
    #expect(!AddressSpace.hasRoom(for: -1))
  }
}
