import PocketClassifier
import SwiftUI

/// What stood between the text and the scores.
struct RawDataRows: View {
    let prediction: Prediction

    var body: some View {
        row("Signatures", "\(prediction.tokens.signature), \(prediction.signature)")
        row("Time", "\(milliseconds(prediction.tokens.milliseconds)) + \(milliseconds(prediction.milliseconds))")
        row("Token ids (\(prediction.tokens.count))", prediction.tokens.realIDs.map(String.init).joined(separator: " "))
        row("Logits", listed(prediction.logits))
        row("Scores", listed(prediction.scores))
    }

    private func row(_ name: String, _ value: String) -> some View {
        VStack(alignment: .leading, spacing: 2) {
            Text(verbatim: name)
                .font(.caption)
                .foregroundStyle(.secondary)
            Text(verbatim: value)
                .font(.footnote.monospaced())
                .textSelection(.enabled)
        }
        .accessibilityElement(children: .combine)
    }

    private func listed(_ values: [Float]) -> String {
        zip(prediction.labels, values).map { "\($0) \($1)" }.joined(separator: "\n")
    }
}

func milliseconds(_ time: Double) -> String {
    "\(time.formatted(.number.precision(.fractionLength(2)))) ms"
}
