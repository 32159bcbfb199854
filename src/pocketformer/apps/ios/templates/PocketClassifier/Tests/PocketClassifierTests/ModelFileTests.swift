import PocketClassifier
import XCTest

final class ModelFileTests: XCTestCase {
    private let file = ModelFile(
        name: "sample", precision: "int8", sha256: "", labels: ["a", "b"], isMultiLabel: false, scoreTolerance: 0.2,
        tokenizers: [function("tokenize_128_bytes", 128), function("tokenize", 1024)],
        classifiers: [function("classify_16", 16), function("classify_32", 32)])

    private static func function(_ signature: String, _ size: Int) -> ModelFile.Function {
        ModelFile.Function(signature: signature, package: "sample.mlpackage", name: signature, size: size)
    }

    func testTheShortestThatHoldsATextIsTaken() {
        XCTAssertEqual(file.tokenizer(holding: 0).signature, "tokenize_128_bytes")
        XCTAssertEqual(file.tokenizer(holding: 128).signature, "tokenize_128_bytes")
        XCTAssertEqual(file.tokenizer(holding: 129).signature, "tokenize")
        XCTAssertEqual(file.classifier(holding: 16).signature, "classify_16")
        XCTAssertEqual(file.classifier(holding: 17).signature, "classify_32")
    }

    func testTheLongestTakesWhatIsTooLong() {
        XCTAssertEqual(file.tokenizer(holding: 5000).signature, "tokenize")
        XCTAssertEqual(file.classifier(holding: 64).signature, "classify_32")
    }

    func testACutTextIsSaidToBe() {
        XCTAssertFalse(file.isCut(bytes: 1024, tokens: 31))
        XCTAssertTrue(file.isCut(bytes: 1025, tokens: 2))
        XCTAssertTrue(file.isCut(bytes: 200, tokens: 32))
    }

    func testTheEditionAscends() {
        for functions in [ModelFile.edition.tokenizers, ModelFile.edition.classifiers] {
            XCTAssertEqual(functions.map(\.size), functions.map(\.size).sorted())
        }
    }
}
