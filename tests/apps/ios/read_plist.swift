// Prints a property list of any form, that of Xcode's project files among them, as JSON.
import Foundation

let content = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))
let list = try PropertyListSerialization.propertyList(from: content, options: [], format: nil)
FileHandle.standardOutput.write(try JSONSerialization.data(withJSONObject: list))
