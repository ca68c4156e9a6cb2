//! A minimal account for a local chain: one key, calls in order.
//!
//! A local chain can be started with accounts of this class, whose Sierra version makes it charge Sierra gas,
//! as public networks do; see `docs/onchain.md`. On a public network use an audited account.

#[starknet::contract(account)]
pub mod Account {
    use core::ecdsa::check_ecdsa_signature;
    use starknet::account::Call;
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use starknet::syscalls::call_contract_syscall;
    use starknet::{SyscallResultTrait, VALIDATED, get_caller_address, get_tx_info};

    #[storage]
    struct Storage {
        /// Named as local chains expect it, which write the key there.
        Account_public_key: felt252,
    }

    #[constructor]
    fn constructor(ref self: ContractState, public_key: felt252) {
        self.Account_public_key.write(public_key);
    }

    #[external(v0)]
    fn __validate__(self: @ContractState, calls: Array<Call>) -> felt252 {
        validate(self)
    }

    #[external(v0)]
    fn __validate_declare__(self: @ContractState, class_hash: felt252) -> felt252 {
        validate(self)
    }

    #[external(v0)]
    fn __execute__(self: @ContractState, calls: Array<Call>) -> Array<Span<felt252>> {
        let caller: felt252 = get_caller_address().into();
        assert(caller == 0, 'account: called by a contract');
        let mut results = array![];
        for call in calls {
            let Call { to, selector, calldata } = call;
            results.append(call_contract_syscall(to, selector, calldata).unwrap_syscall());
        }
        results
    }

    #[external(v0)]
    fn is_valid_signature(
        self: @ContractState, hash: felt252, signature: Array<felt252>,
    ) -> felt252 {
        if is_signed(self, hash, signature.span()) {
            VALIDATED
        } else {
            0
        }
    }

    fn validate(self: @ContractState) -> felt252 {
        let info = get_tx_info().unbox();
        assert(is_signed(self, info.transaction_hash, info.signature), 'account: signature');
        VALIDATED
    }

    fn is_signed(self: @ContractState, hash: felt252, signature: Span<felt252>) -> bool {
        signature.len() == 2
            && check_ecdsa_signature(
                hash, self.Account_public_key.read(), *signature[0], *signature[1],
            )
    }
}
