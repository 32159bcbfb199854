import Foundation

/// What can go wrong. None of it depends on the text: any text gives a prediction.
public enum ClassifierError: LocalizedError, Equatable {
    case missing(String)
    case tooOld(String)
    case unexpected(String, String)

    public var errorDescription: String? {
        switch self {
        case .missing(let package):
            return "The app holds no \(package). Put it into PocketClassifier/Sources/PocketClassifier/Model, "
                + "or make the app anew with `pocketformer app`."
        case .tooOld(let package):
            return "\(package) has several functions, which need iOS 18 or macOS 15. "
                + "For older systems export with `--ios 16`."
        case .unexpected(let output, let signature):
            return "\(signature) gave no output \(output) of the expected type. "
                + "The file is another than the one that the app was made for; make it anew."
        }
    }
}
