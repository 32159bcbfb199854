import Combine
import CoreML
import Foundation
import GoldenCheck
import PocketClassifier

/// Where Core ML may run the model.
enum Units: String, CaseIterable, Identifiable {
    case cpu = "CPU"
    case cpuAndNeuralEngine = "CPU and Neural Engine"
    case cpuAndGPU = "CPU and GPU"
    case all = "All"

    var id: Self { self }

    var computeUnits: MLComputeUnits {
        switch self {
        case .cpu: return .cpuOnly
        case .cpuAndNeuralEngine: return .cpuAndNeuralEngine
        case .cpuAndGPU: return .cpuAndGPU
        case .all: return .all
        }
    }
}

/// Runs the golden texts on this device: are the answers right, and how long do they take?
@MainActor
final class CheckModel: ObservableObject {
    @Published var units = Units.cpu
    @Published private(set) var done = 0
    @Published private(set) var texts = 0
    @Published private(set) var report: GoldenReport?
    @Published private(set) var problem: String?
    @Published private(set) var isWorking = false

    func check() async {
        (isWorking, report, problem, done) = (true, nil, nil, 0)
        do {
            let golden = try Golden.load()
            texts = golden.cases.count
            let classifier = PocketClassifier(computeUnits: units.computeUnits)
            report = try await GoldenReport.made(by: classifier, on: golden) { done in
                await self.show(done)
            }
        } catch is CancellationError {
            done = 0
        } catch {
            problem = error.localizedDescription
        }
        isWorking = false
    }

    /// The report as JSON, to be shared.
    var shared: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let report, let data = try? encoder.encode(report) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    private func show(_ done: Int) {
        self.done = done
    }
}
