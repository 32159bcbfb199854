@file:Suppress("UNUSED_PARAMETER")

package androidx.compose.foundation.text

class KeyboardOptions {
    companion object {
        val Default = KeyboardOptions()
    }
}

class KeyboardActions {
    companion object {
        val Default = KeyboardActions()
    }
}
