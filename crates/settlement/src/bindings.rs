//! The contracts' interfaces and bytecode, generated from the committed artifacts.

// Generated items carry the NatSpec of the contracts, not doc comments of ours.
#![allow(missing_docs, unused_qualifications, clippy::all)]

pub(crate) mod escrow {
    alloy::sol!(
        #[derive(Debug, PartialEq, Eq)]
        JobEscrow,
        "../../contracts/artifacts/JobEscrow.json"
    );
}

pub(crate) mod disputes {
    alloy::sol!(
        #[derive(Debug, PartialEq, Eq)]
        Disputes,
        "../../contracts/artifacts/Disputes.json"
    );
}

pub(crate) mod registry {
    alloy::sol!(
        #[derive(Debug, PartialEq, Eq)]
        ProviderRegistry,
        "../../contracts/artifacts/ProviderRegistry.json"
    );
}

pub(crate) mod token {
    alloy::sol!(
        #[derive(Debug, PartialEq, Eq)]
        DevToken,
        "../../contracts/artifacts/DevToken.json"
    );
}

pub(crate) mod staked {
    alloy::sol!(
        #[derive(Debug, PartialEq, Eq)]
        StakedValidators,
        "../../contracts/artifacts/StakedValidators.json"
    );
}

pub(crate) mod delegated {
    alloy::sol!(
        #[derive(Debug, PartialEq, Eq)]
        DelegatedValidators,
        "../../contracts/artifacts/DelegatedValidators.json"
    );
}
