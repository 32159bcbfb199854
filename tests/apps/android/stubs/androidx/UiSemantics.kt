@file:Suppress("UNUSED_PARAMETER")

package androidx.compose.ui.semantics

import androidx.compose.ui.Modifier

interface SemanticsPropertyReceiver

@JvmInline
value class Role private constructor(private val value: Int) {
    companion object {
        val Button = Role(0)
        val Switch = Role(2)
    }
}

@JvmInline
value class LiveRegionMode private constructor(private val value: Int) {
    companion object {
        val Polite = LiveRegionMode(0)
        val Assertive = LiveRegionMode(1)
    }
}

fun Modifier.semantics(
    mergeDescendants: Boolean = false,
    properties: (SemanticsPropertyReceiver.() -> Unit),
): Modifier = this

fun Modifier.clearAndSetSemantics(properties: (SemanticsPropertyReceiver.() -> Unit)): Modifier = this

fun SemanticsPropertyReceiver.heading(): Unit = TODO()

var SemanticsPropertyReceiver.liveRegion: LiveRegionMode
    get() = TODO()
    set(value) = TODO()
