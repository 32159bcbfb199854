import Combine
import Foundation
import PocketClassifier

/// What the screen shows. The classifier is an actor: the main thread only waits for its answer.
@MainActor
final class ClassifyModel: ObservableObject {
    @Published var text = ""
    @Published private(set) var prediction: Prediction?
    @Published private(set) var problem: String?
    @Published private(set) var isWorking = false

    private let classifier = PocketClassifier()
    private var work: Task<Void, Never>?

    var isEmpty: Bool { text.allSatisfy(\.isWhitespace) }

    /// Loads the functions before the first text needs them.
    func prepare() async {
        do {
            try await classifier.prepare()
        } catch {
            problem = error.localizedDescription
        }
    }

    /// Classifies the text; an answer that a newer question has overtaken is dropped.
    func classify() {
        work?.cancel()
        isWorking = true
        work = Task {
            do {
                let answer = try await classifier.classify(text)
                if Task.isCancelled { return }
                (prediction, problem) = (answer, nil)
            } catch {
                if Task.isCancelled { return }
                (prediction, problem) = (nil, error.localizedDescription)
            }
            isWorking = false
        }
    }

    func classify(example: String) {
        text = example
        classify()
    }
}
