import GoldenCheck
import PocketClassifier
import XCTest

/// The edition's file itself, on this machine's Core ML.
final class GoldenTests: XCTestCase {
    func testEveryGoldenTextHasItsIDsAndScores() async throws {
        let golden = try Golden.load()
        XCTAssertEqual(golden.labels, ModelFile.edition.labels)
        let report = try await GoldenReport.made(by: PocketClassifier(), on: golden)
        XCTAssertEqual(report.texts, golden.cases.count)
        XCTAssertEqual(report.wrongIDs, 0)
        XCTAssertEqual(report.wrongScores, 0, "a score is off by \(report.largestDifference)")
        XCTAssertTrue(report.passed)
    }

    func testTextsChooseTheirSignatures() async throws {
        let (classifier, file) = (PocketClassifier(), ModelFile.edition)
        let full = file.classifiers.map(\.size).max()
        for expected in try Golden.load().cases {
            let bytes = Array(expected.content)
            let prediction = try await classifier.classify(utf8: bytes)
            XCTAssertEqual(prediction.tokens.signature, file.tokenizer(holding: bytes.count).signature)
            XCTAssertEqual(prediction.signature, file.classifier(holding: expected.inputIDs.count).signature)
            // A text of exactly the full length looks like one that was cut there.
            XCTAssertEqual(prediction.isCut, expected.isCut || expected.inputIDs.count == full)
        }
    }

    func testAStringAndItsBytesAreOneText() async throws {
        let classifier = PocketClassifier()
        let text = "Naïve café, 越过长城 🎨"
        let (one, other) = (try await classifier.classify(text), try await classifier.classify(utf8: Array(text.utf8)))
        XCTAssertEqual(one.tokens.realIDs, other.tokens.realIDs)
        XCTAssertEqual(one.scores, other.scores)
        XCTAssertEqual(one.label, one.labels[one.scores.firstIndex(of: one.score) ?? 0])
    }

    func testAPackageThatIsNotThereIsNamed() async throws {
        let function = ModelFile.Function(signature: "tokenize", package: "absent.mlpackage", name: nil, size: 16)
        let file = ModelFile(
            name: "absent", precision: "int8", sha256: "absent", labels: ["a"], isMultiLabel: false,
            scoreTolerance: 0, tokenizers: [function], classifiers: [function])
        do {
            _ = try await PocketClassifier(file: file).classify("any text")
            XCTFail("A file that is not there was opened.")
        } catch {
            XCTAssertEqual(error as? ClassifierError, .missing("absent.mlpackage"))
        }
    }
}
