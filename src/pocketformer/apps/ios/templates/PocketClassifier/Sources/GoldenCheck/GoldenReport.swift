import Foundation
import PocketClassifier

/// How a file did on the golden texts, on this device.
public struct GoldenReport: Codable, Sendable, Equatable {
    public var texts = 0
    /// Texts whose ids differ from the expected ones: there must be none.
    public var wrongIDs = 0
    /// Texts with a score further off than the precision allows: there must be none.
    public var wrongScores = 0
    public var largestDifference: Float = 0
    public let tolerance: Float
    /// Loading every function, after compiling where that was still to do.
    public let loadMilliseconds: Double
    /// By signature, the median time of a run, the first one left out.
    public var medianMilliseconds: [String: Double] = [:]

    public var passed: Bool { texts > 0 && wrongIDs == 0 && wrongScores == 0 }

    init(tolerance: Float, loadMilliseconds: Double) {
        self.tolerance = tolerance
        self.loadMilliseconds = loadMilliseconds
    }

    /// Runs every golden text.
    ///
    /// - Parameters:
    ///   - classifier: The file.
    ///   - golden: What is expected.
    ///   - progress: Is told, now and then, how many texts are done.
    public static func made(
        by classifier: PocketClassifier, on golden: Golden, progress: @Sendable (Int) async -> Void = { _ in }
    ) async throws -> GoldenReport {
        let start = ContinuousClock.now
        try await classifier.prepare()
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        var report = GoldenReport(
            tolerance: classifier.file.scoreTolerance,
            loadMilliseconds: Double(seconds) * 1e3 + Double(attoseconds) / 1e15)
        var times: [String: [Double]] = [:]
        for expected in golden.cases {
            let prediction = try await classifier.classify(utf8: Array(expected.content))
            report.add(prediction, expected)
            times[prediction.tokens.signature, default: []].append(prediction.tokens.milliseconds)
            times[prediction.signature, default: []].append(prediction.milliseconds)
            if report.texts % 10 == 0 { await progress(report.texts) }
            try Task.checkCancellation()
        }
        report.medianMilliseconds = times.compactMapValues { median($0.dropFirst()) }
        return report
    }

    private mutating func add(_ prediction: Prediction, _ expected: Golden.Case) {
        texts += 1
        if prediction.tokens.realIDs != expected.inputIDs { wrongIDs += 1 }
        let differences = zip(prediction.scores, expected.scores).map { abs($0 - $1) }
        // A score that is no number counts as far off.
        let difference = differences.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
        if prediction.scores.count != expected.scores.count || difference > tolerance { wrongScores += 1 }
        largestDifference = max(largestDifference, difference)
    }

    private static func median(_ times: ArraySlice<Double>) -> Double? {
        times.isEmpty ? nil : times.sorted()[times.count / 2]
    }
}
