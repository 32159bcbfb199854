plugins {
    alias(libs.plugins.android.application) apply false
    // Applied nowhere: Android's plugin compiles Kotlin itself, and takes the version that stands here.
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.compose) apply false
}
