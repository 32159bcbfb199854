import PocketClassifier
import SwiftUI

/// The label with its confidence, and a bar for each label, the best first.
struct ResultSection: View {
    let prediction: Prediction

    var body: some View {
        Section("Result") {
            VStack(alignment: .leading, spacing: 4) {
                Text(verbatim: prediction.label)
                    .font(.title2.bold())
                Text("Confidence \(percent(prediction.score))")
                    .foregroundStyle(.secondary)
                if prediction.holding.count > 1 {
                    Text("Holds: \(prediction.holding.joined(separator: ", "))")
                        .foregroundStyle(.secondary)
                }
                if prediction.isCut {
                    Text("The text is longer than the model reads; its beginning was used.")
                        .font(.footnote)
                        .foregroundStyle(.secondary)
                }
            }
            .accessibilityElement(children: .combine)
            ForEach(ranked, id: \.self) { place in
                ScoreRow(label: prediction.labels[place], score: prediction.scores[place])
            }
        }
    }

    private var ranked: [Int] {
        prediction.scores.indices.sorted { prediction.scores[$0] > prediction.scores[$1] }
    }
}

/// One label's bar. VoiceOver reads the row as label and percentage.
private struct ScoreRow: View {
    let label: String
    let score: Float

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            HStack(alignment: .firstTextBaseline) {
                Text(verbatim: label)
                Spacer()
                Text(percent(score))
                    .monospacedDigit()
                    .foregroundStyle(.secondary)
            }
            ProgressView(value: Double(min(max(score, 0), 1)))
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel(Text(verbatim: label))
        .accessibilityValue(percent(score))
    }
}

private func percent(_ score: Float) -> String {
    Double(score).formatted(.percent.precision(.fractionLength(1)))
}
