@file:Suppress("UNUSED_PARAMETER")

package androidx.activity

import android.content.Context
import android.content.res.AssetManager
import android.os.Bundle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.viewmodel.CreationExtras
import java.io.File

open class ComponentActivity : Context() {
    protected open fun onCreate(savedInstanceState: Bundle?): Unit = TODO()

    override fun getAssets(): AssetManager = TODO()

    override fun getCodeCacheDir(): File = TODO()
}

class SystemBarStyle private constructor() {
    companion object {
        fun auto(lightScrim: Int, darkScrim: Int): SystemBarStyle = SystemBarStyle()
    }
}

fun ComponentActivity.enableEdgeToEdge(
    statusBarStyle: SystemBarStyle = SystemBarStyle.auto(0, 0),
    navigationBarStyle: SystemBarStyle = SystemBarStyle.auto(0, 0),
): Unit = TODO()

inline fun <reified VM : ViewModel> ComponentActivity.viewModels(
    noinline extrasProducer: (() -> CreationExtras)? = null,
    noinline factoryProducer: (() -> ViewModelProvider.Factory)? = null,
): Lazy<VM> = TODO()
