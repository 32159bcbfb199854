@file:JvmName("ComposablesKt")

package androidx.compose.runtime

@Composable
inline fun <T> remember(crossinline calculation: () -> T): T = calculation()

@Composable
inline fun <T> remember(key1: Any?, crossinline calculation: () -> T): T = calculation()

@Composable
inline fun <T> remember(key1: Any?, key2: Any?, crossinline calculation: () -> T): T = calculation()

@Composable
inline fun <T> remember(key1: Any?, key2: Any?, key3: Any?, crossinline calculation: () -> T): T = calculation()

@Composable
inline fun <T> remember(vararg keys: Any?, crossinline calculation: () -> T): T = calculation()
