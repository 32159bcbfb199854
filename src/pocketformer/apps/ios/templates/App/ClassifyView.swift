import SwiftUI

/// The one screen: a text, a button, what the model says of it.
struct ClassifyView: View {
    @StateObject private var model = ClassifyModel()
    @State private var showsRawData = false
    @FocusState private var isEditing: Bool
    @ScaledMetric private var editorHeight = 96.0

    var body: some View {
        NavigationStack {
            Form {
                question
                if let problem = model.problem {
                    Section {
                        Label(problem, systemImage: "exclamationmark.triangle")
                            .foregroundStyle(.red)
                    }
                }
                if let prediction = model.prediction {
                    ResultSection(prediction: prediction)
                    Section {
                        Toggle("Raw data", isOn: $showsRawData)
                        if showsRawData {
                            RawDataRows(prediction: prediction)
                        }
                    }
                }
                examples
                Section {
                    NavigationLink("Check the model on this device") {
                        CheckView()
                    }
                }
            }
            .formStyle(.grouped)
            .navigationTitle(Examples.title)
        }
        .task { await model.prepare() }
    }

    private var question: some View {
        Section("Text") {
            TextEditor(text: $model.text)
                .frame(minHeight: editorHeight)
                .focused($isEditing)
                .accessibilityLabel("Text to classify")
            Button {
                isEditing = false
                model.classify()
            } label: {
                Text("Classify")
                    .frame(maxWidth: .infinity)
            }
            .buttonStyle(.borderedProminent)
            .keyboardShortcut(.return, modifiers: .command)
            .disabled(model.isEmpty || model.isWorking)
        }
    }

    @ViewBuilder private var examples: some View {
        if !Examples.texts.isEmpty {
            Section("Examples") {
                ForEach(Examples.texts, id: \.self) { text in
                    Button {
                        isEditing = false
                        model.classify(example: text)
                    } label: {
                        Text(verbatim: text)
                            .frame(maxWidth: .infinity, alignment: .leading)
                            .multilineTextAlignment(.leading)
                    }
                    .accessibilityHint("Classifies this text")
                }
            }
        }
    }
}
