import PocketClassifier
import XCTest

/// What is kept of a file once it is compiled.
final class CompiledModelsTests: XCTestCase {
    private let text = "Let the paint dry."

    override func tearDownWithError() throws {
        let folder = try kept()
        if FileManager.default.fileExists(atPath: folder.path) { try FileManager.default.removeItem(at: folder) }
    }

    func testAFileIsCompiledOnceAndANewOneReplacesIt() async throws {
        _ = try await PocketClassifier(file: file("one")).classify(text)
        let first = try FileManager.default.contentsOfDirectory(atPath: kept().path)
        XCTAssertEqual(first, ["one"])
        let packages = try FileManager.default.contentsOfDirectory(atPath: kept().appendingPathComponent("one").path)
        XCTAssertTrue(packages.allSatisfy { $0.hasSuffix(".mlpackage.mlmodelc") }, "\(packages)")
        _ = try await PocketClassifier(file: file("two")).classify(text)
        XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: kept().path), ["two"])
    }

    func testWhatWasDamagedIsCompiledAgain() async throws {
        let (file, folder) = (file("damaged"), try kept().appendingPathComponent("damaged"))
        let expected = try await PocketClassifier(file: file).classify(text)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let model = folder.appendingPathComponent(name)
            for part in try FileManager.default.contentsOfDirectory(atPath: model.path) {
                try FileManager.default.removeItem(at: model.appendingPathComponent(part))
            }
        }
        let again = try await PocketClassifier(file: file).classify(text)
        XCTAssertEqual(again.tokens.realIDs, expected.tokens.realIDs)
        XCTAssertEqual(again.scores, expected.scores)
    }

    private func kept() throws -> URL {
        try FileManager.default
            .url(for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
            .appendingPathComponent("PocketClassifier/compiled-models-tests")
    }

    private func file(_ sha256: String) -> ModelFile {
        let file = ModelFile.edition
        return ModelFile(
            name: "compiled-models-tests", precision: file.precision, sha256: sha256, labels: file.labels,
            isMultiLabel: file.isMultiLabel, scoreTolerance: file.scoreTolerance,
            tokenizers: file.tokenizers, classifiers: file.classifiers)
    }
}
