//! The verifier class: statements and one proof for all of them.

#[starknet::contract]
pub mod SessionVerifier {
    use crate::fields::qm31::from_words;
    use crate::interfaces::ISessionVerifier;
    use crate::{circuit, tree};

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl Verifier of ISessionVerifier<ContractState> {
        fn verify_session(
            self: @ContractState,
            leaf_root: felt252,
            statements: Span<felt252>,
            proof: Span<felt252>,
        ) {
            let (root, [a, b, c, d, e, f, g, h]) = tree::top(leaf_root, statements);
            circuit::verify(root, [from_words([a, b, c, d]), from_words([e, f, g, h])], proof);
        }
    }
}
