@file:Suppress("UNUSED_PARAMETER")

package androidx.compose.foundation

import androidx.compose.runtime.Composable
import androidx.compose.runtime.ReadOnlyComposable
import androidx.compose.ui.Modifier

class ScrollState(initial: Int)

class BorderStroke

@Composable
fun rememberScrollState(initial: Int = 0): ScrollState = TODO()

@Composable
@ReadOnlyComposable
fun isSystemInDarkTheme(): Boolean = TODO()

interface FlingBehavior

fun Modifier.verticalScroll(
    state: ScrollState,
    enabled: Boolean = true,
    flingBehavior: FlingBehavior? = null,
    reverseScrolling: Boolean = false,
): Modifier = this

fun Modifier.horizontalScroll(
    state: ScrollState,
    enabled: Boolean = true,
    flingBehavior: FlingBehavior? = null,
    reverseScrolling: Boolean = false,
): Modifier = this
