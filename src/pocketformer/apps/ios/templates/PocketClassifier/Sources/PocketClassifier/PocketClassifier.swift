import CoreML
import Foundation

/// Text in, labels out, by the model file in this package: tokenizer, labels and lengths are in the file.
///
/// An actor, so that the work is off the main thread and one text is asked at a time:
/// ```swift
/// let classifier = PocketClassifier()
/// let prediction = try await classifier.classify("If the paint has dried, …")
/// ```
/// Functions are loaded when a text first needs them, and kept; `prepare()` loads them all before.
public actor PocketClassifier {
    public nonisolated let file: ModelFile
    private let functions: FunctionStore

    /// Opens nothing yet.
    ///
    /// - Parameters:
    ///   - file: Which functions there are.
    ///   - computeUnits: Where the classifying functions may run. The processor by default: there, results are
    ///     nearest to what was proven, loading is fastest, and a short text needs no more. The app's screen
    ///     "Check" measures the others. The tokenizer is integers and always runs on the processor.
    public init(file: ModelFile = .edition, computeUnits: MLComputeUnits = .cpuOnly) {
        self.file = file
        functions = FunctionStore(file: file, computeUnits: computeUnits)
    }

    /// Classifies a text. One that is too long is cut at a character; its beginning counts.
    public func classify(_ text: String) async throws -> Prediction {
        try await classify(utf8: Array(text.utf8))
    }

    /// Classifies a text given as bytes that are meant as UTF-8.
    public func classify(utf8 bytes: [UInt8]) async throws -> Prediction {
        let tokens = try await tokenize(utf8: bytes)
        let function = file.classifier(holding: tokens.count)
        let loaded = try await functions.loaded(function)
        let (outputs, milliseconds) = try timed {
            try loaded.run([
                ModelFile.Feature.ids: Array(tokens.ids.prefix(function.size)),
                ModelFile.Feature.mask: Array(tokens.mask.prefix(function.size)),
                ModelFile.Feature.types: Array(tokens.types.prefix(function.size)),
            ])
        }
        return Prediction(
            file: file, tokens: tokens, bytes: bytes.count, signature: function.signature,
            scores: try outputs.floats(ModelFile.Feature.scores, count: file.labels.count),
            logits: try outputs.floats(ModelFile.Feature.logits, count: file.labels.count),
            milliseconds: milliseconds)
    }

    /// Returns the ids that the file itself makes of a text.
    public func tokenize(utf8 bytes: [UInt8]) async throws -> Tokens {
        let function = file.tokenizer(holding: bytes.count)
        let loaded = try await functions.loaded(function)
        let text = TextBytes.padded(TextBytes.cut(bytes, to: function.size), to: function.size)
        let (outputs, milliseconds) = try timed { try loaded.run([ModelFile.Feature.text: text]) }
        return Tokens(
            ids: try outputs.integers(ModelFile.Feature.ids),
            mask: try outputs.integers(ModelFile.Feature.mask),
            types: try outputs.integers(ModelFile.Feature.types),
            count: Int(try outputs.integers(ModelFile.Feature.length)[0]),
            signature: function.signature, milliseconds: milliseconds)
    }

    /// Loads every function, so that no text waits for one.
    public func prepare() async throws {
        for function in file.tokenizers + file.classifiers {
            _ = try await functions.loaded(function)
        }
    }

    /// Not `async`, so that within it Core ML's plain `prediction(from:)` is meant.
    private func timed<Result>(_ work: () throws -> Result) rethrows -> (Result, Double) {
        let start = ContinuousClock.now
        let result = try work()
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return (result, Double(seconds) * 1e3 + Double(attoseconds) / 1e15)
    }
}
