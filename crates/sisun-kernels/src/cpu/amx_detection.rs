//! Detection of Intel's Advanced Matrix Extensions (AMX).
#![allow(unsafe_code)] // one instruction and one system call, each with its proof

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::sync::OnceLock;

    /// Return true if this process may use bfloat16 tiles: the CPU has them (CPUID leaf 7, EDX bits
    /// 22 and 24) together with the AVX-512 features that packing needs, the operating system saves
    /// their state (XCR0 bits 17 and 18), and it has granted this process permission.
    pub(crate) fn amx_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| has_tiles() && permit_tiles())
    }

    fn has_tiles() -> bool {
        use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
        if __cpuid(0).eax < 7 || !is_x86_feature_detected!("xsave") {
            return false;
        }
        let features = __cpuid_count(7, 0).edx;
        let bfloat16_and_tiles = 1 << 22 | 1 << 24;
        // SAFETY: `xsave` detected above means that the operating system has enabled XGETBV.
        let saved = unsafe { _xgetbv(0) };
        features & bfloat16_and_tiles == bfloat16_and_tiles
            && saved >> 17 & 3 == 3
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512bf16")
    }

    /// Request permission to use the 8 KiB of tile state, which Linux grants only to processes that
    /// ask (Documentation/arch/x86/xstate.rst). One request covers every thread.
    fn permit_tiles() -> bool {
        const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
        const XFEATURE_XTILEDATA: libc::c_ulong = 18;
        // SAFETY: this arch_prctl takes two integers and touches no memory of this process.
        unsafe {
            libc::syscall(
                libc::SYS_arch_prctl,
                ARCH_REQ_XCOMP_PERM,
                XFEATURE_XTILEDATA,
            ) == 0
        }
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use linux::amx_available;

/// Return false: this platform has no AMX tiles.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) fn amx_available() -> bool {
    false
}
