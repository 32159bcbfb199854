import PocketClassifier
import XCTest

final class TextBytesTests: XCTestCase {
    func testAShortTextIsKept() {
        XCTAssertEqual(TextBytes.cut(Array("wet paint".utf8), to: 9), Array("wet paint".utf8))
    }

    func testALongTextIsCutBeforeTheCharacterThatCrosses() {
        for text in ["aé", "a越", "a🎨"] {
            let bytes = Array(text.utf8)
            for limit in 1..<bytes.count {
                XCTAssertEqual(TextBytes.cut(bytes, to: limit), [0x61], "\(text) at \(limit)")
            }
        }
    }

    func testACharacterThatEndsAtTheLimitStays() {
        XCTAssertEqual(TextBytes.cut(Array("越过".utf8), to: 3), Array("越".utf8))
    }

    func testBytesThatAreNoCharacterAreCutAnywhere() {
        // A lone continuation, a surrogate, an overlong slash, a start without an end.
        for bytes: [UInt8] in [[0x61, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xE0, 0x80, 0xAF], [0x61, 0xF0, 0x9F]] {
            XCTAssertEqual(TextBytes.cut(bytes, to: 2), Array(bytes[..<2]))
        }
    }

    func testPaddingIsZeros() {
        XCTAssertEqual(TextBytes.padded([0xC3, 0xA9], to: 4), [0xC3, 0xA9, 0, 0])
        XCTAssertEqual(TextBytes.padded([], to: 2), [0, 0])
    }
}
