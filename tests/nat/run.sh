#!/bin/bash
# Nodes behind NATs, in network namespaces: two homes, each behind a router that masquerades and drops what nobody inside has
# asked for, a relay and a second node on the "internet" between them. Needs root, `ip` and `nft`; touches only what it makes.
#
#   tests/nat/run.sh PATH/TO/ggen-p2p-tui
#
# Shows, or fails with the reason: that a node behind a NAT finds out that it is, takes a slot at the relay, is found and
# installed from by a node on the internet and by one behind another NAT, and with what kind of connection.
set -euo pipefail
bin=$(realpath "${1:?path of the program}")
command -v nft >/dev/null || { echo "skipped: no nft"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
work=$(mktemp -d); tag=gg$$; pids=()
end() {
    for home in "$work"/*/; do "$bin" --home "$home" stop >/dev/null 2>&1 || true; done
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for name in inet relay far nat1 nat2 home1 home2; do ip netns del "$tag-$name" 2>/dev/null || true; done
    if [ "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap end EXIT
at() { local name=$1; shift; ip netns exec "$tag-$name" "$@"; }
for name in inet relay far nat1 nat2 home1 home2; do
    ip netns add "$tag-$name" || { echo "skipped: no network namespaces"; exit 77; }
    at "$name" ip link set lo up
done
at inet ip link add name br0 type bridge && at inet ip link set br0 up
plug() { # NAME ADDRESS: onto the internet
    at inet ip link add name "$1" type veth peer name wan netns "$tag-$1"
    at inet ip link set "$1" master br0 up
    at "$1" ip addr add "$2/24" dev wan && at "$1" ip link set wan up
}
plug relay 203.0.113.10; plug far 203.0.113.30; plug nat1 203.0.113.21; plug nat2 203.0.113.22
for n in 1 2; do
    at "nat$n" ip link add name lan type veth peer name eth netns "$tag-home$n"
    at "nat$n" ip addr add "10.$n.0.1/24" dev lan && at "nat$n" ip link set lan up
    at "nat$n" sysctl -qw net.ipv4.ip_forward=1
    at "home$n" ip addr add "10.$n.0.2/24" dev eth && at "home$n" ip link set eth up
    at "home$n" ip route add default via "10.$n.0.1"
    at "nat$n" nft -f - <<'NFT'
table ip nat {
  chain post {
    type nat hook postrouting priority 100;
    oifname "wan" masquerade
  }
}
table ip guard {
  chain inbound {
    type filter hook input priority 0;
    iifname "wan" ct state new drop
  }
  chain across {
    type filter hook forward priority 0;
    iifname "wan" ct state new drop
  }
}
NFT
done
export GGEN_P2P_NETWORK_MDNS=false GGEN_P2P_NETWORK_UPNP=false
run() { # NAME ADDRESS: a node
    local name=$1
    # Replaced by the program, so that it is what is killed in the end.
    (exec ip netns exec "$tag-$name" env GGEN_P2P_NETWORK_LISTEN_ADDRESSES="/ip4/$2/tcp/4001,/ip4/$2/udp/4001/quic-v1" \
        GGEN_P2P_NETWORK_BOOTSTRAP_NODES="${relay:-}" GGEN_P2P_NETWORK_RELAY_SERVER="${server:-false}" \
        RUST_LOG="${LOG:-info}" "$bin" --home "$work/$name" --no-ui >"$work/$name.log" 2>&1) &
    pids+=($!)
    until verb "$name" status >/dev/null 2>&1; do sleep 0.2; done
}
verb() { local name=$1; shift; at "$name" "$bin" --home "$work/$name" "$@"; }
until_() { # WHAT SECONDS COMMAND…
    local what=$1 left=$2; shift 2
    until "$@"; do
        left=$((left - 1)); [ "$left" -gt 0 ] || { echo "FAILED: $what"; verb home1 status || true; exit 1; }
        sleep 1
    done
}
state() { verb "$1" --format json status | grep -q "\"state\": *\"$2\""; }
server=true run relay 203.0.113.10
relay="/ip4/203.0.113.10/tcp/4001/p2p/$(verb relay --format json status | sed -n 's/.*"peer_id": *"\([^"]*\)".*/\1/p' | head -1)"
run far 203.0.113.30
run home1 10.1.0.2
run home2 10.2.0.2
until_ "the relay finds a node on the internet reachable" 60 state far reachable
for n in 1 2; do until_ "home$n has a slot at the relay" 60 state "home$n" relayed; done
verb home1 status | grep -A1 reachability

for name in far home2; do
    mkdir -p "$work/package"
    printf '[package]\nname = "for-%s"\nversion = "1.0.0"\ndescription = "from behind a NAT"\ncategory = "test"\nlicense = "MIT"\n' \
        "$name" >"$work/package/package.toml"
    head -c 3000000 /dev/urandom >"$work/package/data.bin"
    verb home1 publish "$work/package" >/dev/null
    until_ "$name has heard of the package" 90 eval "verb $name search for-$name 2>/dev/null | grep -q for-$name"
    if verb "$name" install "for-$name" >"$work/$name.install" 2>&1; then
        how="which called back"
        grep -qh "direct connection takes" "$work/$name.log" "$work/home1.log" && how="by a punched hole"
        echo "$name installed 3 MB from home1, which is behind a NAT, $how"
    else
        echo "FAILED: $name cannot install"; cat "$work/$name.install"; failed=1
    fi
done
[ -z "${failed:-}" ]
