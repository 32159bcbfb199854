// What the platform-free part of the app answers, for a test in Python to compare.
package answers

import com.example.tinyone.classifier.Golden
import com.example.tinyone.classifier.ModelFile
import com.example.tinyone.classifier.PythonRunner
import com.example.tinyone.classifier.TextModel
import com.example.tinyone.classifier.cutBytes
import com.example.tinyone.classifier.utf8
import java.io.File
import org.json.JSONArray
import org.json.JSONObject

fun main(arguments: Array<String>) {
    when (arguments[0]) {
        "golden" -> golden(arguments[1], File(arguments[2]), File(arguments[3]))
        "cut" -> for (line in generateSequence(::readLine)) {
            val (content, limit) = line.split(" ")
            println("=" + hex(cutBytes(bytes(content), limit.toInt())))
        }
        "utf8" -> for (line in generateSequence(::readLine)) {
            println("=" + hex(utf8(String(CharArray(line.length / 4) { line.substring(4 * it, 4 * it + 4).toInt(16).toChar() }))))
        }
        "literals" -> for (literal in LITERALS) println("=" + literal.map { "%04x".format(it.code) }.joinToString(""))
        else -> error(arguments[0])
    }
}

private fun golden(python: String, path: File, golden: File) {
    val file = ModelFile.read(path)
    println(JSONObject().put("labels", JSONArray(file.labels)).put("precision", file.precision))
    TextModel(file, PythonRunner(python, path)).use { model ->
        for (case in Golden.parse(golden.readText()).cases) {
            val prediction = model.classify(case.content)
            val answer = JSONObject()
                .put("signatures", JSONArray(prediction.signatures))
                .put("ids", JSONArray(prediction.ids))
                .put("scores", JSONArray(prediction.scores.map { it.score.toDouble() }))
                .put("logits", JSONArray(prediction.logits.map { it.toDouble() }))
                .put("best", prediction.best.label)
                .put("holding", JSONArray(prediction.holding.map { it.label }))
                .put("is_cut", prediction.isCut)
            println(answer)
        }
    }
}

private fun bytes(hex: String) = ByteArray(hex.length / 2) { hex.substring(2 * it, 2 * it + 2).toInt(16).toByte() }

private fun hex(content: ByteArray) = content.joinToString("") { "%02x".format(it) }
