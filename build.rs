//! Names the shared library for the dynamic linker. The number is the ABI's major version, `catena_abi_version` in
//! `src/ffi/error.rs`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "freebsd" | "netbsd" | "openbsd" | "android") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcatena.so.0");
        }
        Ok("macos") => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libcatena.0.dylib"),
        _ => {}
    }
}
