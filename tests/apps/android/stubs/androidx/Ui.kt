@file:Suppress("UNUSED_PARAMETER")

package androidx.compose.ui

import androidx.compose.runtime.Stable

@Stable
interface Modifier {
    companion object : Modifier
}

fun interface Alignment {
    fun align(size: Long): Long

    fun interface Horizontal {
        fun align(size: Int): Int
    }

    fun interface Vertical {
        fun align(size: Int): Int
    }

    companion object {
        val TopStart: Alignment = Alignment { 0L }
        val TopCenter: Alignment = Alignment { 0L }
        val Top: Vertical = Vertical { 0 }
        val CenterVertically: Vertical = Vertical { 0 }
        val Start: Horizontal = Horizontal { 0 }
        val CenterHorizontally: Horizontal = Horizontal { 0 }
    }
}
