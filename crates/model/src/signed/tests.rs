//! Tests of [`super`].

#![allow(clippy::unwrap_used)]
use super::*;
use crate::canonical;

const DOMAIN: Domain = Domain {
    chain_id: 31337,
    escrow: Address::repeat_byte(0xe5),
};

fn key(seed: u8) -> AccountKey {
    AccountKey::from_bytes(&[seed; 32]).unwrap()
}

fn voucher() -> Voucher {
    Voucher {
        job: JobId::from_bytes([1; 32]),
        provider: key(2).address(),
        cumulative: Amount(7),
    }
}

fn receipt() -> Receipt {
    Receipt {
        job: JobId::from_bytes([1; 32]),
        task: TaskId(3),
        attempt: AttemptId(4),
        provider: key(2).address(),
        bytes_hash: B256::repeat_byte(5),
        pixel_commitment: B256::repeat_byte(6),
        cpu: CpuTime { millis: 7 },
    }
}

fn expected() -> ExpectedReceipt {
    let Receipt {
        job,
        task,
        attempt,
        provider,
        bytes_hash,
        pixel_commitment,
        ..
    } = receipt();
    ExpectedReceipt {
        job,
        task,
        attempt,
        provider,
        bytes_hash,
        pixel_commitment,
    }
}

#[test]
fn only_its_signer_domain_and_words_make_a_signature_hold() {
    let signed = Signed::sign(voucher(), &DOMAIN, &key(1));
    assert_eq!(signed.signed_by(&DOMAIN, key(1).address()), Ok(()));

    let elsewhere = [
        Domain { chain_id: 1, ..DOMAIN },
        Domain {
            escrow: Address::repeat_byte(1),
            ..DOMAIN
        },
    ];
    for domain in elsewhere {
        assert!(signed.signed_by(&domain, key(1).address()).is_err(), "{domain:?}");
    }
    let raised = Signed {
        message: Voucher {
            cumulative: Amount(8),
            ..voucher()
        },
        ..signed
    };
    assert!(raised.signed_by(&DOMAIN, key(1).address()).is_err());
    let error = signed.signed_by(&DOMAIN, key(2).address()).unwrap_err();
    assert!(matches!(error, SignatureError::WrongSigner { recovered, .. } if recovered == key(1).address()));
}

#[test]
fn malformed_and_malleable_signatures_are_refused() {
    let signed = Signed::sign(voucher(), &DOMAIN, &key(1));
    let order = U256::from_be_slice(&alloy_primitives::hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let mut high_s = signed;
    let s = U256::from_be_slice(&signed.signature.0[32..64]);
    high_s.signature.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    high_s.signature.0[64] = if signed.signature.0[64] == 27 { 28 } else { 27 };
    let mut zero_v = signed;
    zero_v.signature.0[64] -= 27;
    let zeros = Signed {
        signature: FixedBytes::ZERO,
        ..signed
    };
    for broken in [high_s, zero_v, zeros] {
        assert_eq!(
            broken.signer(&DOMAIN),
            Err(SignatureError::Malformed { document: "voucher" })
        );
    }
}

#[test]
fn a_receipt_is_verified_only_when_everything_agrees() {
    let signed = Signed::sign(receipt(), &DOMAIN, &key(2));
    assert_eq!(signed.check(&DOMAIN, &expected()).unwrap().receipt(), &receipt());

    let e = expected();
    let wrong = [
        ExpectedReceipt {
            job: JobId::from_bytes([9; 32]),
            ..e
        },
        ExpectedReceipt { task: TaskId(9), ..e },
        ExpectedReceipt {
            attempt: AttemptId(9),
            ..e
        },
        ExpectedReceipt {
            provider: key(9).address(),
            ..e
        },
        ExpectedReceipt {
            bytes_hash: B256::ZERO,
            ..e
        },
        ExpectedReceipt {
            pixel_commitment: B256::ZERO,
            ..e
        },
    ];
    for case in wrong {
        assert!(signed.check(&DOMAIN, &case).is_err(), "{case:?}");
    }
    let forged = Signed::sign(receipt(), &DOMAIN, &key(9));
    assert!(matches!(forged.check(&DOMAIN, &e), Err(ReceiptError::Signature(_))));
}

#[test]
fn signed_documents_survive_both_encodings() {
    let signed = Signed::sign(receipt(), &DOMAIN, &key(2));
    let bytes = canonical::encode("receipt", &signed).unwrap();
    assert_eq!(canonical::decode::<SignedReceipt>("receipt", &bytes).unwrap(), signed);
    let json = serde_json::to_string(&signed).unwrap();
    assert_eq!(serde_json::from_str::<SignedReceipt>(&json).unwrap(), signed);
}

#[test]
fn a_key_never_shows_its_secret() {
    let shown = format!("{:?}", key(0x5a));
    assert!(!shown.contains("5a5a5a"), "{shown}");
    assert_eq!(AccountKey::from_bytes(&[0; 32]).unwrap_err(), AccountKeyError);
    assert_eq!(AccountKey::from_bytes(&[0xff; 32]).unwrap_err(), AccountKeyError);
}

/// The values that `contracts/test/Eip712Vectors.t.sol` computes in Solidity.
#[test]
fn the_vectors_shared_with_the_contracts_hold() {
    let committed: serde_json::Value =
        serde_json::from_str(include_str!("../../../../contracts/vectors/eip712.json")).unwrap();

    let domain = Domain {
        chain_id: 31337,
        escrow: Address::repeat_byte(0xe5),
    };
    let signer = key(0x11);
    let salt = B256::repeat_byte(0x5a);
    let job = domain.job_id(signer.address(), salt);
    let provider = key(0x22).address();
    let voucher = Voucher {
        job,
        provider,
        cumulative: Amount(1_234_567_890_123_456_789_012),
    };
    let receipt = Receipt {
        job,
        task: TaskId(41),
        attempt: AttemptId(u64::MAX),
        provider: signer.address(),
        bytes_hash: keccak256("bytes"),
        pixel_commitment: keccak256("pixels"),
        cpu: CpuTime { millis: 65_432 },
    };
    let binding = EndpointBinding {
        node: NodeId::from_bytes([0xed; 32]),
        account: signer.address(),
    };
    let computed = serde_json::json!({
        "domain": {
            "name": "Rayswarm", "version": "1", "chainId": domain.chain_id,
            "escrow": domain.escrow, "separator": domain.separator(),
        },
        "signer": { "secret": B256::repeat_byte(0x11), "address": signer.address() },
        "job": { "requestor": signer.address(), "salt": salt, "id": job.as_b256() },
        "voucher": {
            "jobId": job.as_b256(), "provider": provider, "cumulative": voucher.cumulative,
            "digest": voucher.digest(&domain),
            "signature": Signed::sign(voucher, &domain, &signer).signature,
        },
        "receipt": {
            "jobId": job.as_b256(), "taskId": receipt.task, "attemptId": receipt.attempt.0.to_string(),
            "provider": receipt.provider, "bytesHash": receipt.bytes_hash,
            "pixelCommitment": receipt.pixel_commitment, "cpuMillis": receipt.cpu.millis,
            "digest": receipt.digest(&domain),
            "signature": Signed::sign(receipt, &domain, &signer).signature,
        },
        "endpointBinding": {
            "endpointId": binding.node.as_b256(), "account": binding.account,
            "digest": binding.digest(&domain),
            "signature": Signed::sign(binding, &domain, &signer).signature,
        },
    });
    assert_eq!(computed, committed, "computed:\n{computed:#}");
}
