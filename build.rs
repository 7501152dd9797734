//! Names the shared library for the dynamic linker, and what the command exports. The number is the ABI's major version,
//! `catena_abi_version` in `src/ffi/error.rs`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "freebsd" | "netbsd" | "openbsd" | "android") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcatena.so.0");
            // Models that export `catena_model` call back into the program that loads them.
            println!("cargo:rustc-link-arg-bin=catena=-Wl,--export-dynamic-symbol=catena_task_*");
            println!("cargo:rustc-link-arg-bin=catena=-Wl,--export-dynamic-symbol=catena_init_*");
        }
        Ok("macos") => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libcatena.0.dylib"),
        _ => {}
    }
}
