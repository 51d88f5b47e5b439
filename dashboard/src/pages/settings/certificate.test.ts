import { describe, expect, it } from "vitest";
import { derOf, endsAt, fingerprintOf } from "./certificate";

// Made for this test by `openssl req -x509`; their keys were thrown away.
const PAST_2049 = `-----BEGIN CERTIFICATE-----
MIIBcDCCARWgAwIBAgIUeN/Rhpt2DXBcun4p3Qh7hpUTci0wCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBdDAgFw0yNjExMjcwMDE1MDVaGA8yMDU5MTAwNTAwMTUwNVow
DDEKMAgGA1UEAwwBdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABA6fxHfJ/aao
35Gjwewm0VOzab8KLl+JmHqdw/3Ra80wQ6nvwfbvmhahlAjRa05yAErjLUfgjO17
A+Q4gLT/rNCjUzBRMB0GA1UdDgQWBBQSdCQ0Cyy79XiDz+0tJ+jg0LGhUjAfBgNV
HSMEGDAWgBQSdCQ0Cyy79XiDz+0tJ+jg0LGhUjAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0kAMEYCIQC77T+DSwwbbxW7I9QP9uKl/HAPJsK/GgxTKDBwxo28
ewIhANTrnNETMJ/upSAI4A2CgsPW6eq5+16hBoFej2B9PDF0
-----END CERTIFICATE-----`;
const PLAIN = `-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIUZHzCFEU/KU2C5hUsouL7MLf0mxwwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBdDAeFw0yNjExMjcwMDE1MDVaFw0yNjEyMjcwMDE1MDVaMAwx
CjAIBgNVBAMMAXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATTRjHkTEnPoet6
QuVZDRMm9m03+6MWtw3f3ePDDk4aK/Jx4iohz2FKP1BhtEZIdwydg2ALLMjJI8OF
rQbWryfVo1MwUTAdBgNVHQ4EFgQUm8eWcMSKUvNed+/dOA34I50uYaMwHwYDVR0j
BBgwFoAUm8eWcMSKUvNed+/dOA34I50uYaMwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiAX1WuCLKLdQ08PFTPe56/pmNvJa49tMHH0SYjSRg3fWQIh
AIEZeZZ9XdY/whTvrmi0vMaAh1lT//fOUfs/YZO/A3hR
-----END CERTIFICATE-----`;

function der(pem: string): Uint8Array<ArrayBuffer> {
  const found = derOf(pem);
  if (found === null) throw new Error("no certificate");
  return found;
}

describe("endsAt", () => {
  it("reads both ways in which a certificate writes a time", () => {
    expect(endsAt(der(PLAIN))).toBe(Date.UTC(2026, 11, 27, 0, 15, 5));
    expect(endsAt(der(PAST_2049))).toBe(Date.UTC(2059, 9, 5, 0, 15, 5));
  });

  it("finds nothing in what is none, or is broken off", () => {
    expect(endsAt(new Uint8Array([0x30, 2, 5, 0]))).toBeNull();
    expect(endsAt(der(PLAIN).subarray(0, 60))).toBeNull();
  });
});

it("takes the fingerprint that openssl prints", async () => {
  expect(await fingerprintOf(der(PLAIN))).toBe(
    "42:39:57:8D:11:5C:68:17:00:B1:B0:BC:99:32:22:A1:7D:9E:4F:D0:BD:B6:1F:99:63:59:F4:D9:A7:1F:AC:FA",
  );
});

it.each(["", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----"])("%j is no certificate", (pem) => {
  expect(derOf(pem)).toBeNull();
});
