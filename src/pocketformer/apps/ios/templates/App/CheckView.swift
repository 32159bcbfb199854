import GoldenCheck
import SwiftUI

/// The golden texts on this device.
struct CheckView: View {
    @StateObject private var model = CheckModel()

    var body: some View {
        Form {
            Section {
                Picker("Runs on", selection: $model.units) {
                    ForEach(Units.allCases) { units in
                        Text(units.rawValue).tag(units)
                    }
                }
                Button("Run the golden texts") {
                    Task { await model.check() }
                }
            } footer: {
                Text("Asks the model the texts whose ids and scores are known, and times it.")
            }
            .disabled(model.isWorking)
            if model.isWorking {
                Section {
                    ProgressView(
                        "\(model.done) of \(model.texts)", value: Double(model.done),
                        total: Double(max(model.texts, 1)))
                }
            }
            if let problem = model.problem {
                Section {
                    Label(problem, systemImage: "exclamationmark.triangle")
                        .foregroundStyle(.red)
                }
            }
            if let report = model.report {
                answers(report)
                times(report)
                Section {
                    ShareLink("Share the figures", item: model.shared)
                }
            }
        }
        .formStyle(.grouped)
        .navigationTitle("Check")
    }

    private func answers(_ report: GoldenReport) -> some View {
        Section("Answers") {
            Label(
                report.passed ? "As expected" : "Not as expected",
                systemImage: report.passed ? "checkmark.circle" : "xmark.circle"
            )
            .foregroundStyle(report.passed ? .green : .red)
            LabeledContent("Texts", value: "\(report.texts)")
            LabeledContent("With other ids", value: "\(report.wrongIDs)")
            LabeledContent("With scores too far off", value: "\(report.wrongScores)")
            LabeledContent("Largest difference", value: "\(report.largestDifference) of \(report.tolerance)")
        }
    }

    private func times(_ report: GoldenReport) -> some View {
        Section("Median time") {
            ForEach(report.medianMilliseconds.sorted { $0.value < $1.value }, id: \.key) { signature, time in
                LabeledContent(signature, value: milliseconds(time))
            }
            LabeledContent("Loading everything", value: milliseconds(report.loadMilliseconds))
        }
    }
}
