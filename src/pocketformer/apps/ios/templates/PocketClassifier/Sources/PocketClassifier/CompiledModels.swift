import CoreML
import Foundation

/// Finds a file's packages in their compiled form, which is what Core ML loads.
///
/// A package in this target's resources is compiled on first use, and kept in the caches folder under the
/// file's SHA-256: an app with a new file never meets an old model, and removes it.
actor CompiledModels {
    private let file: ModelFile
    private var compiling: [String: Task<URL, Error>] = [:]

    init(file: ModelFile) {
        self.file = file
    }

    func url(of package: String) async throws -> URL {
        let kept = try place(of: package)
        if let task = compiling[package] { return try await task.value }
        if FileManager.default.fileExists(atPath: kept.path) { return kept }
        let task = Task { try await Self.compile(package, to: kept) }
        compiling[package] = task
        defer { compiling[package] = nil }
        return try await task.value
    }

    /// Compiles a package whose kept form does not load.
    func compiledAnew(_ package: String) async throws -> URL {
        try? FileManager.default.removeItem(at: place(of: package))  // gone already is as good
        return try await url(of: package)
    }

    private static func compile(_ package: String, to place: URL) async throws -> URL {
        guard let folder = Bundle.module.url(forResource: "Model", withExtension: nil),
            FileManager.default.fileExists(atPath: folder.appendingPathComponent(package).path)
        else { throw ClassifierError.missing(package) }
        let compiled = try await MLModel.compileModel(at: folder.appendingPathComponent(package))
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        do {
            try FileManager.default.moveItem(at: compiled, to: place)
        } catch {
            // Another process may have been first; the system empties the temporary folder of this one.
            guard FileManager.default.fileExists(atPath: place.path) else { throw error }
        }
        removeOthers(than: place.deletingLastPathComponent())
        return place
    }

    /// Removes what earlier files of this edition have left; what cannot be removed does no harm.
    private static func removeOthers(than folder: URL) {
        let edition = folder.deletingLastPathComponent()
        let kept = (try? FileManager.default.contentsOfDirectory(atPath: edition.path)) ?? []
        for name in kept where name != folder.lastPathComponent {
            try? FileManager.default.removeItem(at: edition.appendingPathComponent(name))
        }
    }

    private func place(of package: String) throws -> URL {
        try FileManager.default
            .url(for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
            .appendingPathComponent("PocketClassifier/\(file.name)/\(file.sha256)/\(package).mlmodelc")
    }
}
