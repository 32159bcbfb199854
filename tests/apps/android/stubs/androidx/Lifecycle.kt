@file:Suppress("UNUSED_PARAMETER")

package androidx.lifecycle

import android.app.Application
import kotlinx.coroutines.CoroutineScope

abstract class ViewModel {
    protected open fun onCleared() = Unit
}

open class AndroidViewModel(private val application: Application) : ViewModel() {
    @Suppress("UNCHECKED_CAST")
    open fun <T : Application> getApplication(): T = application as T
}

class ViewModelProvider {
    interface Factory
}

class SavedStateHandle {
    operator fun <T> get(key: String): T? = TODO()

    operator fun <T> set(key: String, value: T?): Unit = TODO()
}

val ViewModel.viewModelScope: CoroutineScope get() = TODO()
