//! The verifier class: a statement and its proof.

#[starknet::contract]
pub mod SessionVerifier {
    use crate::fields::qm31::from_words;
    use crate::interfaces::ISessionVerifier;
    use crate::layout::FOLD_ROOT;
    use crate::{circuit, span};

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl Verifier of ISessionVerifier<ContractState> {
        fn verify_session(
            self: @ContractState, leaf_root: felt252, statement: Span<felt252>, proof: Span<felt252>,
        ) {
            let [a, b, c, d, e, f, g, h] = span::public_value(leaf_root, statement);
            let outputs = [from_words([a, b, c, d]), from_words([e, f, g, h])];
            circuit::verify(span::unpack(FOLD_ROOT), outputs, proof);
        }
    }
}
