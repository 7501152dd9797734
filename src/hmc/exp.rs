//! The exponential of a leapfrog step's energy error.
//!
//! One exponential per leapfrog step is a sixth of a small model's overhead with the portable routine of `libm`, and the
//! platform's own may differ in the last bit between platforms. This one has the same bits everywhere and is as quick as
//! the platform's: exp(x) = 2^(k/128) exp(r) with a table and a short polynomial (Tang 1989, "Table-driven implementation
//! of the exponential function in IEEE floating-point arithmetic").

/// Table entries per power of two.
const STEPS: u64 = 128;
/// 128 / ln 2.
const STEPS_PER_E: f64 = f64::from_bits(0x4067_1547_652B_82FE);
/// ln 2 / 128 in two parts, the first with zeros at its end so that its multiples are exact.
const STEP_HIGH: f64 = f64::from_bits(0x3F76_2E42_FEC0_0000);
const STEP_LOW: f64 = f64::from_bits(0x3D8D_1CF7_9ABC_9E3B);
/// Adding this rounds to a whole number that stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Below this the result would be subnormal; it is taken as zero.
const SMALLEST: f64 = -708.0;
/// Above this the result is infinite.
const LARGEST: f64 = 709.0;

/// exp(x), within two units in the last place on [-708, 709]; 0 below and infinite above; NaN for NaN.
#[inline]
pub(super) fn exp(x: f64) -> f64 {
    if x < SMALLEST {
        return 0.0;
    }
    if x > LARGEST {
        return f64::INFINITY;
    }
    let rounded = x * STEPS_PER_E + ROUNDER;
    let bits = rounded.to_bits();
    let k = rounded - ROUNDER;
    let r = (x - k * STEP_HIGH) - k * STEP_LOW;
    let r2 = r * r;
    let tail = r + r2 * ((0.5 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0)));
    // The whole powers of two go into the exponent of the table's entry.
    let power = (bits / STEPS) << (f64::MANTISSA_DIGITS - 1);
    let scale = f64::from_bits(POWERS[(bits % STEPS) as usize].wrapping_add(power));
    scale + scale * tail
}

/// 2^(i/128), correctly rounded.
const POWERS: [u64; STEPS as usize] = [
    0x3FF0_0000_0000_0000,
    0x3FF0_163D_A9FB_3335,
    0x3FF0_2C9A_3E77_8061,
    0x3FF0_4315_E86E_7F85,
    0x3FF0_59B0_D315_8574,
    0x3FF0_706B_29DD_F6DE,
    0x3FF0_8745_1875_9BC8,
    0x3FF0_9E3E_CAC6_F383,
    0x3FF0_B558_6CF9_890F,
    0x3FF0_CC92_2B72_47F7,
    0x3FF0_E3EC_32D3_D1A2,
    0x3FF0_FB66_AFFE_D31B,
    0x3FF1_1301_D012_5B51,
    0x3FF1_2ABD_C06C_31CC,
    0x3FF1_429A_AEA9_2DE0,
    0x3FF1_5A98_C8A5_8E51,
    0x3FF1_72B8_3C7D_517B,
    0x3FF1_8AF9_388C_8DEA,
    0x3FF1_A35B_EB6F_CB75,
    0x3FF1_BBE0_8404_5CD4,
    0x3FF1_D487_3168_B9AA,
    0x3FF1_ED50_22FC_D91D,
    0x3FF2_063B_8862_8CD6,
    0x3FF2_1F49_917D_DC96,
    0x3FF2_387A_6E75_6238,
    0x3FF2_51CE_4FB2_A63F,
    0x3FF2_6B45_65E2_7CDD,
    0x3FF2_84DF_E1F5_6381,
    0x3FF2_9E9D_F51F_DEE1,
    0x3FF2_B87F_D0DA_D990,
    0x3FF2_D285_A6E4_030B,
    0x3FF2_ECAF_A93E_2F56,
    0x3FF3_06FE_0A31_B715,
    0x3FF3_2170_FC4C_D831,
    0x3FF3_3C08_B264_16FF,
    0x3FF3_56C5_5F92_9FF1,
    0x3FF3_71A7_373A_A9CB,
    0x3FF3_8CAE_6D05_D866,
    0x3FF3_A7DB_34E5_9FF7,
    0x3FF3_C32D_C313_A8E5,
    0x3FF3_DEA6_4C12_3422,
    0x3FF3_FA45_04AC_801C,
    0x3FF4_160A_21F7_2E2A,
    0x3FF4_31F5_D950_A897,
    0x3FF4_4E08_6061_892D,
    0x3FF4_6A41_ED1D_0057,
    0x3FF4_86A2_B5C1_3CD0,
    0x3FF4_A32A_F0D7_D3DE,
    0x3FF4_BFDA_D536_2A27,
    0x3FF4_DCB2_99FD_DD0D,
    0x3FF4_F9B2_769D_2CA7,
    0x3FF5_16DA_A2CF_6642,
    0x3FF5_342B_569D_4F82,
    0x3FF5_51A4_CA5D_920F,
    0x3FF5_6F47_36B5_27DA,
    0x3FF5_8D12_D497_C7FD,
    0x3FF5_AB07_DD48_5429,
    0x3FF5_C926_8A59_46B7,
    0x3FF5_E76F_15AD_2148,
    0x3FF6_05E1_B976_DC09,
    0x3FF6_247E_B03A_5585,
    0x3FF6_4346_34CC_C320,
    0x3FF6_6238_8255_2225,
    0x3FF6_8155_D44C_A973,
    0x3FF6_A09E_667F_3BCD,
    0x3FF6_C012_750B_DABF,
    0x3FF6_DFB2_3C65_1A2F,
    0x3FF6_FF7D_F951_9484,
    0x3FF7_1F75_E8EC_5F74,
    0x3FF7_3F9A_48A5_8174,
    0x3FF7_5FEB_5642_67C9,
    0x3FF7_8069_4FDE_5D3F,
    0x3FF7_A114_73EB_0187,
    0x3FF7_C1ED_0130_C132,
    0x3FF7_E2F3_36CF_4E62,
    0x3FF8_0427_543E_1A12,
    0x3FF8_2589_994C_CE13,
    0x3FF8_471A_4623_C7AD,
    0x3FF8_68D9_9B44_92ED,
    0x3FF8_8AC7_D98A_6699,
    0x3FF8_ACE5_422A_A0DB,
    0x3FF8_CF32_16B5_448C,
    0x3FF8_F1AE_9915_7736,
    0x3FF9_145B_0B91_FFC6,
    0x3FF9_3737_B0CD_C5E5,
    0x3FF9_5A44_CBC8_520F,
    0x3FF9_7D82_9FDE_4E50,
    0x3FF9_A0F1_70CA_07BA,
    0x3FF9_C491_82A3_F090,
    0x3FF9_E863_19E3_2323,
    0x3FFA_0C66_7B5D_E565,
    0x3FFA_309B_EC4A_2D33,
    0x3FFA_5503_B23E_255D,
    0x3FFA_799E_1330_B358,
    0x3FFA_9E6B_5579_FDBF,
    0x3FFA_C36B_BFD3_F37A,
    0x3FFA_E89F_995A_D3AD,
    0x3FFB_0E07_298D_B666,
    0x3FFB_33A2_B84F_15FB,
    0x3FFB_5972_8DE5_593A,
    0x3FFB_7F76_F2FB_5E47,
    0x3FFB_A5B0_30A1_064A,
    0x3FFB_CC1E_904B_C1D2,
    0x3FFB_F2C2_5BD7_1E09,
    0x3FFC_199B_DD85_529C,
    0x3FFC_40AB_5FFF_D07A,
    0x3FFC_67F1_2E57_D14B,
    0x3FFC_8F6D_9406_E7B5,
    0x3FFC_B720_DCEF_9069,
    0x3FFC_DF0B_555D_C3FA,
    0x3FFD_072D_4A07_897C,
    0x3FFD_2F87_080D_89F2,
    0x3FFD_5818_DCFB_A487,
    0x3FFD_80E3_16C9_8398,
    0x3FFD_A9E6_03DB_3285,
    0x3FFD_D321_F301_B460,
    0x3FFD_FC97_337B_9B5F,
    0x3FFE_2646_14F5_A129,
    0x3FFE_502E_E78B_3FF6,
    0x3FFE_7A51_FBC7_4C83,
    0x3FFE_A4AF_A2A4_90DA,
    0x3FFE_CF48_2D8E_67F1,
    0x3FFE_FA1B_EE61_5A27,
    0x3FFF_252B_376B_BA97,
    0x3FFF_5076_5B6E_4540,
    0x3FFF_7BFD_AD9C_BE14,
    0x3FFF_A7C1_819E_90D8,
    0x3FFF_D3C2_2B8F_71F1,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_portable_library() {
        let units = |x: f64| {
            let (ours, theirs) = (exp(x), libm::exp(x));
            (ours.to_bits() as i64 - theirs.to_bits() as i64).unsigned_abs()
        };
        let mut worst = 0;
        for i in 0..1_000_000u32 {
            let t = f64::from(i) / 1e6;
            worst = worst.max(units(-708.0 + 1417.0 * t)).max(units(-4.0 + 5.0 * t)).max(units(1e-9 * (t - 0.5)));
        }
        assert!(worst <= 2, "{worst} units in the last place");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!((exp(-708.5), exp(f64::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!((exp(709.5), exp(f64::INFINITY)), (f64::INFINITY, f64::INFINITY));
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn the_table_holds_powers_of_two() {
        for (i, bits) in POWERS.iter().enumerate() {
            let expected = libm::exp2(i as f64 / STEPS as f64);
            assert!((*bits as i64 - expected.to_bits() as i64).abs() <= 1, "entry {i}");
        }
    }
}
