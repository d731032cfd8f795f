// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StakeTree} from "./StakeTree.sol";

/// @title Draws a committee by stake, without putting anyone back
/// @notice All weights lie on one line. Whoever is drawn or barred is cut out of it, so each draw hits somebody new in
/// proportion to stake, with no second tries.
library JurorDraw {
    using StakeTree for StakeTree.Tree;

    /// @dev What is cut out, in the order of the line.
    struct Cuts {
        uint256[] starts;
        uint256[] widths;
        uint256 count;
        uint256 left;
    }

    /// @notice `seats` different members by their weights at second `time`, none of them barred; an empty list when
    /// there are too few.
    function draw(StakeTree.Tree storage tree, uint48 time, bytes32 seed, uint256 seats, address[2] memory barred)
        internal
        view
        returns (address[] memory jurors)
    {
        uint256 most = seats + barred.length;
        Cuts memory cuts = Cuts(new uint256[](most), new uint256[](most), 0, tree.total(time));
        for (uint256 i = 0; i < barred.length; ++i) {
            if (i > 0 && barred[i] == barred[0]) continue;
            (uint256 start, uint256 width) = tree.interval(time, barred[i]);
            if (width > 0) _cut(cuts, start, width);
        }

        jurors = new address[](seats);
        for (uint256 seat = 0; seat < seats; ++seat) {
            if (cuts.left == 0) return new address[](0);
            uint256 point = uint256(keccak256(abi.encode(seed, seat))) % cuts.left;
            for (uint256 i = 0; i < cuts.count && point >= cuts.starts[i]; ++i) {
                point += cuts.widths[i];
            }
            (address member, uint256 start, uint256 width) = tree.find(time, point);
            jurors[seat] = member;
            _cut(cuts, start, width);
        }
    }

    function _cut(Cuts memory cuts, uint256 start, uint256 width) private pure {
        uint256 i = cuts.count;
        for (; i > 0 && cuts.starts[i - 1] > start; --i) {
            cuts.starts[i] = cuts.starts[i - 1];
            cuts.widths[i] = cuts.widths[i - 1];
        }
        cuts.starts[i] = start;
        cuts.widths[i] = width;
        cuts.count += 1;
        cuts.left -= width;
    }
}
