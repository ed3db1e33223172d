// A browser that cannot suspend WebAssembly, as the worker sees it: it takes the asyncify build of the runtime.
Reflect.deleteProperty(WebAssembly, 'Suspending');
