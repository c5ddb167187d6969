// The table of character classes against the properties that it was made from.
import Testing

@testable import Text

@Suite struct CharacterClassTests {
  @Test("Every scalar has the classes that its properties give it, in the table or not.")
  func everyScalar() {
    let table = CharacterClasses.standard
    let different = (UInt32(0)..<0x110000).filter { table[$0] != CharacterClasses.classify($0) }
    #expect(different.isEmpty, "first: \(different.prefix(3))")
    #expect(table[0x4E2D] == [.letter, .eastAsian] && table[0x1F600] == .symbol && table[0x110000] == [])
  }
}
