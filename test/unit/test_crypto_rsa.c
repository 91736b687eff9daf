/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys and signatures; what is refused was made with another library. */
#include <openssl/err.h>

#include "unit.h"
#include "unit_jwt.h"

#include "clerk_crypto.h"

/* What the signatures below were made over. */
#define TEXT "eyJhbGciOiJSUzI1NiJ9.e30"

/* RFC 7515, appendix A.2. */
#define A2_N \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-V" \
    "aw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b" \
    "32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-K" \
    "XBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5" \
    "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb5" \
    "4h4FRWyuXpoQ"
#define A2_TEXT \
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsD" \
    "QogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define A2_SIGNATURE \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AA" \
    "uHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAyn" \
    "RFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZR" \
    "mB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv" \
    "Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_Ioy" \
    "pGlUPQGe77Rw"
#define SIGNED_RS256 \
    "AXk-zqoOaSqPwnUM1XEPZ5HdPA8ifRSjBiXMRjctqHyUPqrI51Y8ztZeKvheisTiNq" \
    "zxb-OOkzCehwmHdHPsIRe3nZMozpaY71VF3zSy9rVN7WAsNxDcRpLsdLVgw4d0J0yB" \
    "h1S_A4osIkWm5EiI_O3aLDsVqOHMWzE5WOaOKD6OZNfMQFXgg4vgUiNLl0iSnBho71" \
    "vlKmUeGT7CTiMzcyVEEY-XfEksQUkJeB_DK44Cvi6kqAZASJhvrZQMfo1SSVGI2vRt" \
    "uFRwgns_ZIixOA0GlRJ2IMRRFDTSOu7eu7RmQrFNoWFfEyaRPhni2caqwf9m1YPwV0" \
    "UESTe9KCsarg"

static clerk_slice_t url(apr_pool_t *p, const char *text)
{
    clerk_slice_t out;

    assert_int_equal(clerk_b64_decode_url(p, clerk_slice_str(text), &out),
                     CLERK_OK);
    return unit_exact(p, out.ptr, out.len);
}

static clerk_rsa_t *key_of(apr_pool_t *p, const char *n)
{
    clerk_rsa_t *key;

    assert_int_equal(
        clerk_crypto_rsa_from_numbers(p, url(p, n), url(p, "AQAB"), &key),
        CLERK_OK);
    assert_non_null(key);
    return key;
}

static void meets_rfc_7515(void **state)
{
    clerk_rsa_t *key = key_of(*state, A2_N);
    clerk_slice_t text = unit_text(*state, A2_TEXT);
    clerk_slice_t signature = url(*state, A2_SIGNATURE);

    assert_int_equal(clerk_crypto_rsa_verify(key, CLERK_RS256, text, signature),
                     CLERK_OK);
    assert_int_equal(clerk_crypto_rsa_verify(key, CLERK_RS384, text, signature),
                     CLERK_SIGNATURE_INVALID);
    text.len--;
    assert_int_equal(clerk_crypto_rsa_verify(key, CLERK_RS256, text, signature),
                     CLERK_SIGNATURE_INVALID);
}

static void knows_the_three_algorithms(void **state)
{
    static const struct {
        clerk_rsa_alg_t alg;
        const char *signature;
    } rows[] = {
        { CLERK_RS256, SIGNED_RS256 },
        { CLERK_RS384,
          "RTOhdyXyFzHi95cw9p5HEAGqEg3ZypdFV7lEerGy2FqSC8T9UDu_5W4VTbRYxA60"
          "pAQ7CN5D8dSoyJMRSiFmTafj4BBVrFkdsdIyEX7IgmIVz8JPNe2FDNIL75nOQDjc"
          "ez-OPTZKfDDCcxxMrZKwLP02l2ioNn63j_aFVI-HImK27_z_pxrTXhwcKks7lqnL"
          "FmOUPvdg_EtdKwgzIGyj2pYqJ8yg5suEX_ostqQW5WVSi5Lt6BCsMSuUqjhwISA0"
          "4LG6C0XnOrFdUBvgaWytTY6farcXfx-8PC7nfQ9rkBZMjh7nlUdO6hEn4_R5sNG6"
          "7E8oxSmuWm75KcsaNC-IRQ" },
        { CLERK_RS512,
          "AmCLgOJG9HHwHBxa4iThllsyCueY7eCy_U0x17DNuiNNnjhEwEAAYpKRyemustBz"
          "7fVJnPmOPky0P6RTey1lfvUWbAv54WN485c4yFi23lkKJW2djIH2gsoiKK9j3wVF"
          "HjqK-qOJxHv5HpNQI-Im2ssl8SukUvlzl1R_f-u55u99NMwCXqJheAwbT5XjgTET"
          "TjcFo99HYmKwsXqOUn7E34qlHULKQti6hg0E3MGZtXLRRn2nT7VeShJF_26I5wAh"
          "3J2fDmh-hwRpJ1xvOP9f5GVcwyAmjA0my0evchCMhWnNXV9hdnTwIcb33VlWBuDS"
          "XAQo91m-nB97PAOWVvwIiw" },
    };
    clerk_rsa_t *key = key_of(*state, UNIT_RSA_N);
    clerk_slice_t text = unit_text(*state, TEXT);
    apr_size_t i;
    int alg;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        for (alg = CLERK_RS256; alg <= CLERK_RS512; alg++) {
            clerk_slice_t signature = url(*state, rows[i].signature);

            assert_int_equal(clerk_crypto_rsa_verify(key, (clerk_rsa_alg_t)alg,
                                                     text, signature),
                             alg == (int)rows[i].alg ? CLERK_OK
                                                     : CLERK_SIGNATURE_INVALID);
        }
    }
    assert_int_equal(clerk_crypto_rsa_verify(key, (clerk_rsa_alg_t)3, text,
                                             url(*state, SIGNED_RS256)),
                     CLERK_INTERNAL);
}

/* RFC 8017 section 8.2.2: what has been accepted somewhere, some time. */
static void refuses_forgeries(void **state)
{
    static const struct {
        const char *why;
        const char *signature;
    } rows[] = {
        { "the digest of another algorithm",
          "RTOhdyXyFzHi95cw9p5HEAGqEg3ZypdFV7lEerGy2FqSC8T9UDu_5W4VTbRYxA60"
          "pAQ7CN5D8dSoyJMRSiFmTafj4BBVrFkdsdIyEX7IgmIVz8JPNe2FDNIL75nOQDjc"
          "ez-OPTZKfDDCcxxMrZKwLP02l2ioNn63j_aFVI-HImK27_z_pxrTXhwcKks7lqnL"
          "FmOUPvdg_EtdKwgzIGyj2pYqJ8yg5suEX_ostqQW5WVSi5Lt6BCsMSuUqjhwISA0"
          "4LG6C0XnOrFdUBvgaWytTY6farcXfx-8PC7nfQ9rkBZMjh7nlUdO6hEn4_R5sNG6"
          "7E8oxSmuWm75KcsaNC-IRQ" },
        { "the same, longer",
          "AmCLgOJG9HHwHBxa4iThllsyCueY7eCy_U0x17DNuiNNnjhEwEAAYpKRyemustBz"
          "7fVJnPmOPky0P6RTey1lfvUWbAv54WN485c4yFi23lkKJW2djIH2gsoiKK9j3wVF"
          "HjqK-qOJxHv5HpNQI-Im2ssl8SukUvlzl1R_f-u55u99NMwCXqJheAwbT5XjgTET"
          "TjcFo99HYmKwsXqOUn7E34qlHULKQti6hg0E3MGZtXLRRn2nT7VeShJF_26I5wAh"
          "3J2fDmh-hwRpJ1xvOP9f5GVcwyAmjA0my0evchCMhWnNXV9hdnTwIcb33VlWBuDS"
          "XAQo91m-nB97PAOWVvwIiw" },
        { "PSS padding",
          "P8-Ssgb3jfL6akVP7xZD14fbgAjXvEU4MFydyocCAa9RZVDKT1ty5lgjsR4M3zpQ"
          "GXXaIxyrN0rG-ryoE_qAtUU6R2WdZgnnLvR5Pn803zNILUXF9eDOlBJzDbAykQ31"
          "rTJQaSvC_6twNgvt1p2C-AdXir67fhbL5-PSY0vNDCvJaEaTkFUIYv9h5jgiEO7A"
          "1UN2pYXO6qXytHzcjpwaeHkio9k9auE2oGhR-_gkp5ECyxPpTZpQM-NaJvjOxE0H"
          "9KoNL0iIcSSP921KyK52Gd0hZ6aA3ZZSmLHZ6aG47x9b41XXxGiaEzLXJwpObK6a"
          "KdQdfm8z-v0G6dhuP_g96A" },
        { "SHA-1",
          "nz-_Yde9krGsW1p6eeSCf88pd0KeRoTXHsiJWAT83CwaJpYG57hQFXR4w7MShoEZ"
          "ZYw8RtPrxMPosMygzyI6v2d4sElt6o3Mc0IBOU_yIumFRoEi51_4G2-c-j22HnBy"
          "cy6iehsUDNm6ngWsorh3qLtuRD1OK9yg2SI92pZJKkxlxO-IZ-ufs_L4T-s3XlU3"
          "1rXXCfh1dg0avfTHPQVZOn1BbA_4fA7c6ZfxicgYR3kZgCkNHVrM41ub7h_eZ1aV"
          "RCugf35QbWgx0vuPPFxzcTfugsyeHIVg4EteDGRW6ewaGRRirWqACwrBQVRiSIeQ"
          "xG7f5Is-j2I0WSrbWRKpjA" },
        { "DigestInfo without its NULL",
          "G7cTyGTgvvzXFgPjOpXeDCzQSQnHsYWresP9lQfvl59FX1CjaLM_2nCAJ1tbYvn1"
          "L-aGX4gAIZe6wQuAERmH3Z7sjUsSHlrdv1UbI2r1nbOTMbZiJOHcw7bjKofwjCB7"
          "fZR_GYmc9_8ieVpwi5FnnXe3w8-ulzMj0EWHCQfqvEX9Xf2-BZ_qYr3g6-iT-FxD"
          "IvSHsw3gNrMiOfv8OEfTlvSgXlB0fCskmeGPrHTs-REL32tkJhxF8mg5VRAjAqII"
          "LXMaHOPfMBM-HkQgWH_vQQ-rmSLTbsEL9NhXHhqfeyiK6YbRL2y1YN31eXOj8awI"
          "arZIIltQrLORPTn1qyzaUA" },
        { "short padding, and text behind the digest",
          "dV_w45n4NecT6WxnhoDTgViP1VyqWrLYf_5ZUHKdW_ZgK2ozynSdF2ZAvc5W_cxz"
          "dFu87mmjpy8R9vJrlVxRFLNqTUmec7Zh3KS4MfHfHCgzV6nmJEyTArszZOvJsZfh"
          "HElMm23YgTmn-6EcbtjOmnQE1VWoVUyEpt9dDYnsb1ncMbpf2nPbSI9mWFftoDWH"
          "Nx4dCJTDwcHbwcx70xrOhpD9IWY3I_Py5xV8ITZLtUQe1GE5sH0x9BMxgSTOHdTD"
          "r_3bX_n7QCZMiKng-DZAQtwKK19SlvuHcwVKs-NP_8pbr6OkdncpwBRH8roBWX19"
          "17eSyBPa51hrkmE_gFjAxg" },
        { "a block of type 2",
          "ulRkJOwaPpiHLXYoNklWJ9HYQ-D9oVbu_zjwwnUKsdhkjt8_yvDZXdwK0rxJJOQD"
          "DnD0mNH1sPHGiv8fj_2fHo9lb-Z-GwkDzXWBtYViOdKuCThbCp19mRTqy2FlENmw"
          "LyZs-5zM0RyKyQj7GR5iVMrTadPSsjsdXEMSmmxFHV1iwHWTsl6kyiVnA_a4aobR"
          "GIJbVZYkapH5fHpm6IhPW4LUkRSUvEFo2hyjoZona6LPt2M6QSBRQ_94ZcYbIaKr"
          "-tXpBPw1kim-iNYx0gfMrTOUnVhXVPcfyApSsXzOn2AmkwzGqkHmfxsVQTFdwJ1m"
          "EVHbqAzPYQxs5L6vB4Tzeg" },
        { "a zero within the padding",
          "c6wEfaro0pl_RLKnOOfAuCDGTIEiDChV4t14HUuJgUvtw7mECGEkNzPLnKvLQuLR"
          "f-46GQtYp0cy7U6QyHOgWJpR4F8BjNcNLFu_5D8L64SYcmo6ez-e0DBFofUz7PPV"
          "YVaaUci3PtxaTdAEnF8RnSZpM9N5Fx0WfvjM1cqj6XIbx_gvaa2Z1fpPO-U4Jiir"
          "RTZwrLGzh6jjXdyUrUqUR_8_qx5VUBm4vErFYU1s8Bo4MR45ttUpFebaKVed5I4O"
          "7WreyC-dP9xViVIuETqVItgSwrZNjai4dOOD5p7Sk3haO9mo8D8WIeQehHWhwu4E"
          "4tpbSP3KAzHquONTcO2ESA" },
        { "the digest alone",
          "is7UsPNcvNB8QozTYpF7CirFP9bdXh2YpIaU70Nq5cOojxXiETPlOEAj67gyFYTh"
          "zlmegpU6hDcPk5Zi20s-WZwZGbL8glzVBUfVsnwrK-gllmJqJ_V6PtgQRZokBvFT"
          "DbK0ZZGT6T2eRAstaO7nO0i87ZUFUY6QN0mLxtcUbZclGtxmptCYIKM_pOZcsPsV"
          "Ken4zk0ZAB9_HWZa8ZaEyvnsX7A3tCZgjlljS_a87-I--h7bIc1mSHxs6Q1ZxnYW"
          "wtBChFJZcVX1p-dEQa0xGfBVQX62I-_XAGQVI7EJrNcBbSSjULXA1B4Rlisdj72L"
          "4cjxgaL6nWDh0Pim-oH7kg" },
        { "the DigestInfo of SHA-384",
          "kahef7eFYpq7d0JyUQfRjKma3vYLphLWtRHHt21Myd_uiNuushu7YuHg4PeIbL82"
          "wLghWhqTR0ToxuK1_9H_2RMIboeGTkzEggo8bOWzay8HQ4lpctdqXdNyCX5BKxKA"
          "H47jA7FXA2nstjz03TMZplR0JmZ7vIFmcgqRXKTNDNeZ_mwGarFXqRS6HOJrR08i"
          "FpbPH7eXMqtnLA3sWkzKUWXMo2qDCwTr5aRq4BUP80db02NPKdeJSUjkY5n3EM0L"
          "JX0-Uy26-1vXXFskoVnnfO5ueD6SM5rvlAIWSBEuzj0E17WnnWlfn8uDNO5VRr7C"
          "jCMxu1CZYLtcDBWXvtk9OA" },
        { "the signature plus the modulus",
          "AMpZtUDBE7SLu_HAZlWUbtWOTU4L9a8pzh0gPujY6qHnwpRpRC-EGEr75oW4t40n"
          "Cl68IDTtm86aHN1YiP9Z81b4odCmu4hhDH_3RI2zZtCKU9LS2vEZ0Ol2N6-JG-jB"
          "Lq1gr7tTpVQeaEaR15CW9ZLLNFEuf6TwsEyHKusvgXU0Lngasgmtm4ELnoN0MP5s"
          "SZSgJO2UytpE_fk5rZdGlKoZRARKT0k01vyH4g8kW5f4IwCPaz65Mg-tzrPb0rrl"
          "s19n-Ad5-hvfz6HhHc6yuwONq_UuwS0gQj0FPjXlK99UXwwO3xsYgw_mVQ4yKL1h"
          "epiHu6AyrucojSx7TvrJMgc" },
        { "nothing", "" },
        { "one byte", "AA" },
    };
    clerk_rsa_t *key = key_of(*state, UNIT_RSA_N);
    clerk_slice_t text = unit_text(*state, TEXT);
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        UNIT_CHECK(rows[i].why,
                   clerk_crypto_rsa_verify(key, CLERK_RS256, text,
                                           url(*state, rows[i].signature))
                       == CLERK_SIGNATURE_INVALID);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void every_bit_of_a_signature_counts(void **state)
{
    clerk_rsa_t *key = key_of(*state, UNIT_RSA_N);
    clerk_slice_t good = url(*state, SIGNED_RS256);
    clerk_slice_t text = unit_text(*state, TEXT);
    apr_size_t i;

    for (i = 0; i < good.len; i++) {
        char *bad = apr_pmemdup(*state, good.ptr, good.len);

        bad[i] = (char)(bad[i] ^ 1 << i % 8);
        assert_int_equal(
            clerk_crypto_rsa_verify(key, CLERK_RS256, text,
                                    clerk_slice_make(bad, good.len)),
            CLERK_SIGNATURE_INVALID);
    }
    good.len--;
    assert_int_equal(clerk_crypto_rsa_verify(key, CLERK_RS256, text, good),
                     CLERK_SIGNATURE_INVALID);
    assert_int_equal(clerk_crypto_rsa_verify(key_of(*state, A2_N), CLERK_RS256,
                                             text, url(*state, SIGNED_RS256)),
                     CLERK_SIGNATURE_INVALID);
}

/* A modulus of so many bits: not the product of two primes, but nobody asks. */
static clerk_slice_t modulus(apr_pool_t *p, apr_size_t bits)
{
    apr_size_t len = (bits + 7) / 8;
    char *bytes = apr_palloc(p, len);

    memset(bytes, 0x5a, len);
    bytes[0] = (char)(1 << (bits - 1) % 8);
    bytes[len - 1] = 0x5b;
    return unit_exact(p, bytes, len);
}

static void the_modulus_has_limits(void **state)
{
    static const struct {
        apr_size_t bits;
        int good;
    } rows[] = {
        { 512, 0 },  { 1024, 0 }, { 2040, 0 }, { 2047, 0 },
        { 2048, 1 }, { 2049, 1 }, { 3072, 1 }, { 4096, 1 },
        { 8191, 1 }, { 8192, 1 }, { 8193, 0 }, { 16384, 0 },
    };
    clerk_slice_t e = url(*state, "AQAB");
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *label = apr_psprintf(*state, "%d", (int)rows[i].bits);
        clerk_rsa_t *key = NULL;
        clerk_status_t status = clerk_crypto_rsa_from_numbers(
            *state, modulus(*state, rows[i].bits), e, &key);

        UNIT_CHECK(label, (status == CLERK_OK) == rows[i].good);
        UNIT_CHECK(label, (key != NULL) == rows[i].good);
        UNIT_CHECK(label, status == CLERK_OK || status == CLERK_KEY_UNUSABLE);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

static void refuses_odd_numbers_of_another_kind(void **state)
{
    static const struct {
        const char *why;
        const char *before; /* of the modulus */
        const char *after;
        const char *e;
    } rows[] = {
        { "no modulus at all", NULL, NULL, "010001" },
        { "a leading zero", "00", "", "010001" },
        { "an even modulus", "", "00", "010001" },
        { "no exponent", "", "", "" },
        { "exponent 0", "", "", "00" },
        { "exponent 1", "", "", "01" },
        { "exponent 2", "", "", "02" },
        { "exponent 1 with a zero before", "", "", "0001" },
        { "exponent 65537 with a zero before", "", "", "00010001" },
        { "an even exponent", "", "", "010002" },
        { "2^32", "", "", "0100000000" },
        { "2^32 + 1", "", "", "0100000001" },
        { "a huge exponent", "", "", UNIT_RSA_D_HEX },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        const char *hex = rows[i].before
                              ? apr_pstrcat(*state, rows[i].before,
                                            UNIT_RSA_N_HEX, rows[i].after, NULL)
                              : "";
        clerk_rsa_t *key = *state;

        UNIT_CHECK(rows[i].why, clerk_crypto_rsa_from_numbers(
                                    *state, unit_unhex(*state, hex),
                                    unit_unhex(*state, rows[i].e), &key)
                                    == CLERK_KEY_UNUSABLE);
        UNIT_CHECK(rows[i].why, key == NULL);
    }
}

static void accepts_unusual_exponents(void **state)
{
    static const char *const rows[] = { "03", "11", "010001", "ffffffff" };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_rsa_t *key;

        UNIT_CHECK(rows[i], clerk_crypto_rsa_from_numbers(
                                *state, unit_unhex(*state, UNIT_RSA_N_HEX),
                                unit_unhex(*state, rows[i]), &key)
                                == CLERK_OK);
    }
}

#define BEGIN "-----BEGIN PUBLIC KEY-----"
#define END "-----END PUBLIC KEY-----"

/* The key of the tests, with a break after each 64 characters. */
static const char *in_lines(apr_pool_t *p, const char *end_of_line)
{
    const char *text = UNIT_RSA_SPKI;
    const char *lines = "";

    while (*text) {
        apr_size_t len = strlen(text) < 64 ? strlen(text) : 64;

        lines = apr_pstrcat(p, lines, apr_pstrmemdup(p, text, len), end_of_line,
                            NULL);
        text += len;
    }
    return lines;
}

static void reads_pem_as_people_paste_it(void **state)
{
    const char *texts[] = {
        apr_pstrcat(*state, BEGIN "\n", in_lines(*state, "\n"), END "\n", NULL),
        apr_pstrcat(*state, BEGIN "\r\n", in_lines(*state, "\r\n"), END "\r\n",
                    NULL),
        apr_pstrcat(*state, " \t\n" BEGIN " ", in_lines(*state, " "), END " \n",
                    NULL),
        BEGIN UNIT_RSA_SPKI END,
        BEGIN "\n" UNIT_RSA_SPKI "\n" END,
        UNIT_RSA_SPKI,
        "\n" UNIT_RSA_SPKI "\n",
        in_lines(*state, "\n"),
        in_lines(*state, " "),
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(texts); i++) {
        clerk_rsa_t *key = NULL;

        UNIT_CHECK(texts[i], clerk_crypto_rsa_from_pem(
                                 *state, unit_string(*state, texts[i]), &key)
                                 == CLERK_OK);
        assert_int_equal(clerk_crypto_rsa_verify(key, CLERK_RS256,
                                                 unit_text(*state, TEXT),
                                                 url(*state, SIGNED_RS256)),
                         CLERK_OK);
    }
}

static void refuses_what_is_no_rsa_public_key(void **state)
{
    static const struct {
        const char *why;
        const char *text;
    } rows[] = {
        { "nothing", "" },
        { "blanks", " \n" },
        { "no base64", "a secret" },
        { "base64 of nothing", "AAAA" },
        { "an armour around nothing", BEGIN END },
        { "a begin alone", BEGIN UNIT_RSA_SPKI },
        { "an end alone", UNIT_RSA_SPKI END },
        { "half of a begin", "-----BEGIN PUBLIC KEY" },
        { "two keys", BEGIN UNIT_RSA_SPKI END BEGIN UNIT_RSA_SPKI END },
        { "something before", "x" BEGIN UNIT_RSA_SPKI END },
        { "something behind", BEGIN UNIT_RSA_SPKI END "x" },
        { "another label", "-----BEGIN CERTIFICATE-----" UNIT_RSA_SPKI
                           "-----END CERTIFICATE-----" },
        { "labels that differ",
          BEGIN UNIT_RSA_SPKI "-----END RSA PUBLIC KEY-----" },
        { "an elliptic curve",
          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiO9rKg34RIAdVVEXTjahTgL7Sucz"
          "9qiIMMb6iH0UNineU8npR7jb1z4xyORZy2aCmAQINqKnyk+FvRR+bDuKxw==" },
        { "an RSA key of 1024 bits",
          "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDAUZWTb378JU0HkdD4dtbiq0LX"
          "GOhklongcpDfpH5ulRynqBj0aneRvnVtlmssW0Td1puf95MZCaObzr4wNAypFwte"
          "HbY2MZ2qgSxfvabnCFHU9hTi3FRUERhq56onf+PjJjNNWND7KVobT86yJZh9Yxpv"
          "gdAqVyQaJrrghGz1qQIDAQAB" },
        { "a key for RSASSA-PSS only",
          "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAMjgdnIXBUthLC9LWYAjX238"
          "cBH80zIVKxb6cqKhvPlrLlW+e0gt23wliFrAWQJiKCgPLsUKDTtpflZPAYrmBzXg"
          "6jMTkrnKc5Ch/q5+s9nVBeVyrroI9KLjSzrTuyU5uoYULjP+5lCUPCRMMKxObJXd"
          "WiTzafwO4/FV8ZJI80z1oBNC5clXuv1/vjFQ5WcjtviHu/445a/f39/660kjYTbz"
          "//K6t8zrqrs+2JcEmGxqIEJgxpay8ccVXwZHxjxYYRYWbyyFjGOLXx9l3moqCcuA"
          "pWAcSwxb8SjQa/r2TSOf+MldkXm3I/y/w9AYReOaz9aIVMquvo/jiONDkdKeF1kC"
          "AwEAAQ==" },
        { "PKCS#1",
          "MIIBCgKCAQEAyOB2chcFS2EsL0tZgCNfbfxwEfzTMhUrFvpyoqG8+WsuVb57SC3b"
          "fCWIWsBZAmIoKA8uxQoNO2l+Vk8BiuYHNeDqMxOSucpzkKH+rn6z2dUF5XKuugj0"
          "ouNLOtO7JTm6hhQuM/7mUJQ8JEwwrE5sld1aJPNp/A7j8VXxkkjzTPWgE0LlyVe6"
          "/X++MVDlZyO2+Ie7/jjlr9/f3/rrSSNhNvP/8rq3zOuquz7YlwSYbGogQmDGlrLx"
          "xxVfBkfGPFhhFhZvLIWMY4tfH2XeaioJy4ClYBxLDFvxKNBr+vZNI5/4yV2Rebcj"
          "/L/D0BhF45rP1ohUyq6+j+OI40OR0p4XWQIDAQAB" },
        { "a byte behind the key",
          "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyOB2chcFS2EsL0tZgCNf"
          "bfxwEfzTMhUrFvpyoqG8+WsuVb57SC3bfCWIWsBZAmIoKA8uxQoNO2l+Vk8BiuYH"
          "NeDqMxOSucpzkKH+rn6z2dUF5XKuugj0ouNLOtO7JTm6hhQuM/7mUJQ8JEwwrE5s"
          "ld1aJPNp/A7j8VXxkkjzTPWgE0LlyVe6/X++MVDlZyO2+Ie7/jjlr9/f3/rrSSNh"
          "NvP/8rq3zOuquz7YlwSYbGogQmDGlrLxxxVfBkfGPFhhFhZvLIWMY4tfH2XeaioJ"
          "y4ClYBxLDFvxKNBr+vZNI5/4yV2Rebcj/L/D0BhF45rP1ohUyq6+j+OI40OR0p4X"
          "WQIDAQABAA==" },
        { "a byte less",
          "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyOB2chcFS2EsL0tZgCNf"
          "bfxwEfzTMhUrFvpyoqG8+WsuVb57SC3bfCWIWsBZAmIoKA8uxQoNO2l+Vk8BiuYH"
          "NeDqMxOSucpzkKH+rn6z2dUF5XKuugj0ouNLOtO7JTm6hhQuM/7mUJQ8JEwwrE5s"
          "ld1aJPNp/A7j8VXxkkjzTPWgE0LlyVe6/X++MVDlZyO2+Ie7/jjlr9/f3/rrSSNh"
          "NvP/8rq3zOuquz7YlwSYbGogQmDGlrLxxxVfBkfGPFhhFhZvLIWMY4tfH2XeaioJ"
          "y4ClYBxLDFvxKNBr+vZNI5/4yV2Rebcj/L/D0BhF45rP1ohUyq6+j+OI40OR0p4X"
          "WQIDAQA=" },
        { "the beginning of a private key",
          "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMBRlZNvfvwlTQeR"
          "0Ph21uKrQtcY6GSWieBykN+kfm6VHKeoGPRqd5G+dW2WayxbRN3Wm5/3kxkJo5vO"
          "vjA0DKkXC14dtjYxnaqBLF+9pucIUdT2FOLcVFQRGGrnqid/4+MmM01Y0PspWhtP"
          "zrIlmH1jGm+B0CpXJBomuuCEbPWpAgMBAAECgYEAqFXA6vAo4mNz7TBBDXpX1Me7"
          "FbODlqf9vywIivjcgcaa8lU8opOeXT+sYWPMI2MwAE0cowR9COla/8ISzvaALOwY"
          "dpAVnwedv9MVoLT84n1TQQR4SQRQygkWYQENy6urKKj/NBP2pkM+Q+v2KOv2r3aq"
          "FyoozJ36XUaxqX3X" },
    };
    apr_size_t i;

    for (i = 0; i < UNIT_COUNT(rows); i++) {
        clerk_rsa_t *key = *state;

        UNIT_CHECK(rows[i].why,
                   clerk_crypto_rsa_from_pem(
                       *state, unit_string(*state, rows[i].text), &key)
                       == CLERK_KEY_UNUSABLE);
        UNIT_CHECK(rows[i].why, key == NULL);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

/* An error that another module still wants to see stays where it is. */
static void the_error_queue_is_left_alone(void **state)
{
    clerk_rsa_t *key = key_of(*state, UNIT_RSA_N);
    clerk_slice_t bad = unit_exact(*state, unit_repeat(*state, 1, 256), 256);
    unsigned long before;

    ERR_raise(ERR_LIB_USER, 77);
    before = ERR_peek_last_error();
    assert_int_equal(
        clerk_crypto_rsa_verify(key, CLERK_RS256, unit_text(*state, TEXT), bad),
        CLERK_SIGNATURE_INVALID);
    assert_int_equal(clerk_crypto_rsa_from_pem(*state, "AAAA", &key),
                     CLERK_KEY_UNUSABLE);
    assert_int_equal(ERR_peek_last_error(), before);
    assert_int_equal(ERR_get_error(), before);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(meets_rfc_7515),
        UNIT_TEST(knows_the_three_algorithms),
        UNIT_TEST(refuses_forgeries),
        UNIT_TEST(every_bit_of_a_signature_counts),
        UNIT_TEST(the_modulus_has_limits),
        UNIT_TEST(refuses_odd_numbers_of_another_kind),
        UNIT_TEST(accepts_unusual_exponents),
        UNIT_TEST(reads_pem_as_people_paste_it),
        UNIT_TEST(refuses_what_is_no_rsa_public_key),
        UNIT_TEST(the_error_queue_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
