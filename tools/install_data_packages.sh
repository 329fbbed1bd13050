#!/usr/bin/env bash
# Installs the Debian packages that some data sets of kerasgan.data read:
#
#   fonts    free fonts (OFL, Apache, BSD, Bitstream Vera, CC0), for `glyphs`    31 MB to fetch, 102 MB on disk
#   photos   wallpapers, some of them photographs, for `photo_patches`          171 MB to fetch, 170 MB on disk
#   speech   the speech synthesiser espeak-ng, for `spoken_digits`                5 MB to fetch,  17 MB on disk
#
# Usage: tools/install_data_packages.sh [--unpack] [fonts] [photos] [speech]      (without a group: all three)
#
# As root it calls `apt-get install`. Otherwise, or with --unpack, it fetches the same packages with
# `apt-get download` and unpacks them, with the libraries that they need, into the folder
# $KERASGAN_PACKAGES (default: ~/.cache/kerasgan/packages), where the data sets look as well.
# What is there already is left alone, so that the script may be run again at any time.
#
# The versions below are those of Debian 12, of which the published results were made. A system that
# does not offer one of them gets its own version, one that does not offer the package goes without;
# both are said. `glyphs` records the sha256 of each font that it used.
set -euo pipefail

FONTS="
fonts-3270=3.0.1-1
fonts-aksharyogini2=1.0-2
fonts-allerta=2.01+dfsg1-4
fonts-amiga=1.0-2
fonts-anonymous-pro=1.003-4
fonts-apropal=1.0-2
fonts-arapey=0+git20200408-2
fonts-arkpandora=2.04-1.1
fonts-averia-gwf=1.00-3.1
fonts-averia-sans-gwf=1.00-2.1
fonts-averia-serif-gwf=1.00-2.1
fonts-b612=1.008-3
fonts-bebas-neue=3.0-2
fonts-blankenburg=0.1-3
fonts-breip=1:0.5.1-3
fonts-bwht=0.1-3
fonts-cabin=1.5-3
fonts-cabinsketch=1.02-3
fonts-cantarell=0.303.1-1
fonts-century-catalogue=001.001-8
fonts-cherrybomb=3.00+dfsg-2
fonts-clear-sans=1.00-2
fonts-comfortaa=3.001-3
fonts-comic-neue=2.51-4
fonts-courier-prime=0+git20190115-3
fonts-croscore=20201225-1
fonts-crosextra-caladea=20200211-1
fonts-dancingscript=1.2-2
fonts-dejavu-core=2.37-6
fonts-dejavu-extra=2.37-6
fonts-dosis=1.7-3
fonts-dseg=0.46-1
fonts-ebgaramond=0.016+git20210310.42d4f9f2-1
fonts-eeyek=2.000-1
fonts-elstob=2.000~beta4+git20230209+ds-1
fonts-eurofurence=4.0-3
fonts-evertype-conakry=0.002+source-5
fonts-fantasma=1.1+repack1-3
fonts-ferrite-core=2.02+ds-1
fonts-gamaliel=0.1-2
fonts-gemunu-libre=1.100+ds-2
fonts-georgewilliams=20031023-3
fonts-gfs-artemisia=1.1-6
fonts-gfs-didot=1.1-7
fonts-gfs-neohellenic=1.1-7
fonts-gfs-theokritos=1.1-6
fonts-glasstty=0-2
fonts-gnutypewriter=1.0-2
fonts-go=0~20170330-1
fonts-gotico-antiqua=0+git20190704-4
fonts-goudybookletter=2010.07.03-6
fonts-hermit=1.2.0+ds2-1+b1
fonts-humor-sans=1.0-4
fonts-inconsolata=001.010-6
fonts-inter=4.0~beta7+ds-1
fonts-jetbrains-mono=2.242+ds-3
fonts-junction=20110525.18de841-1.1
fonts-jura=5.103-3
fonts-karla=20201218-1
fonts-kaushanscript=1.02-2.1
fonts-klaudia-berenika=2011-09-03-2
fonts-league-mono=2.300+ds-1
fonts-league-spartan=2.210-1
fonts-leckerli-one=20120409-1
fonts-linuxlibertine=5.3.0-6
fonts-lobster=2.0-2.1
fonts-lobstertwo=2.0-2.1
fonts-manrope=4.504+git20201211-2
fonts-meera-inimai=2.0-2
fonts-monofur=1.0-3
fonts-monoid=0.61-4
fonts-monoid-halfloose=0.61-4
fonts-monoid-halftight=0.61-4
fonts-monoid-loose=0.61-4
fonts-mononoki=1.5+dfsg-1
fonts-national-park=0.0~20220205-2
fonts-noto-mono=20201225-1
fonts-ocr-a=1.0-10
fonts-ocr-b=0.3~dfsg1-1
fonts-oflb-asana-math=000.907-7
fonts-okolaks=0.6.0-2
fonts-oldstandard=2.2really-4
fonts-open-sans=1.11-2
fonts-opendin=1.0-4
fonts-oxygen=4:5.4.3-4
fonts-play=1.002+20150307.1-0.1
fonts-prociono=2.3-6
fonts-proggy=1.2.0+ds2-1+b1
fonts-quattrocento=1.1-2.1
fonts-quicksand=0.2016-2.1
fonts-radisnoir=0.9b-5
fonts-rit-sundar=2.0.0+20170909-2
fonts-roboto-slab=1.100263+20170512-2
fonts-roboto-unhinted=2:0~20170802-3
fonts-routed-gothic=1.0.0+git20210723.e22ee83+dfsg-2
fonts-sil-alkalami=1.200-1
fonts-sil-galatia=2.1-6
fonts-sil-gentium-basic=1.102-1.1
fonts-sil-sophia-nubian=1.000-8
fonts-sixtyfour=1.0-2
fonts-sora=0+git20201221+ds-2
fonts-tomsontalks=1.1-9
fonts-triod-postnaja=20130809-2
fonts-tuffy=20120614-2.1
fonts-ubuntu-title=1:0.3-2.1
fonts-vollkorn=4.105-2
fonts-yanone-kaffeesatz=2.0+git20211102+ds-1
fonts-yrsa-rasa=2.005-1
"
PHOTOS="
lomiri-wallpapers-16.04=20.04.0-2
lomiri-wallpapers-20.04=20.04.0-2
mate-backgrounds=1.26.0-1
plasma-workspace-wallpapers=4:5.27.5-2
"
SPEECH="
espeak-ng=1.51+dfsg-10+deb12u2
"

folder=${KERASGAN_PACKAGES:-${XDG_CACHE_HOME:-$HOME/.cache}/kerasgan/packages}
unpack=$([ "$(id -u)" -eq 0 ] || echo yes)
groups=()
for argument in "$@"; do
    case $argument in
    --unpack) unpack=yes ;;
    fonts | photos | speech) groups+=("$argument") ;;
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;;
    *) echo "$0: $argument is none of --unpack, fonts, photos, speech" >&2 && exit 2 ;;
    esac
done
[ ${#groups[@]} -gt 0 ] || groups=(fonts photos speech)

command -v apt-get >/dev/null || {
    echo "$0: apt-get is missing. On other systems than Debian and Ubuntu install fonts, wallpapers and" >&2
    echo "espeak-ng by other means, or give your own folders: font_dirs=, photo_dirs=." >&2
    exit 1
}
if ! apt-cache show espeak-ng >/dev/null 2>&1; then
    [ "$(id -u)" -eq 0 ] || {
        echo "$0: apt knows no packages yet; have the administrator run: apt-get update" >&2
        exit 1
    }
    apt-get update
fi

# Sets `found` to the packages of a list that this system offers, as name=version.
choose() {
    found=()
    local wanted name offered versions
    # Lines of "name version", the newest version of a package first.
    versions=$(apt-cache madison $(sed 's/=.*//' <<<"$1") | awk '{print $1, $3}')
    for wanted in $1; do
        name=${wanted%%=*}
        offered=$(awk -v name="$name" '$1 == name {print $2}' <<<"$versions")
        if grep -qxF -- "${wanted#*=}" <<<"$offered"; then
            found+=("$wanted")
        elif [ -n "$offered" ]; then
            echo "$name: version ${wanted#*=} is not offered here, taking $(head -n 1 <<<"$offered")"
            found+=("$name=$(head -n 1 <<<"$offered")")
        else
            echo "$name: not offered here, going without"
        fi
    done
}

install_with_apt() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends --no-upgrade "$@"
}

# Fetches and unpacks the packages given as name=version, and what they depend on and this system lacks.
install_by_unpacking() {
    local needed=() package fetched stamps=$folder/unpacked
    mkdir -p "$stamps"
    while read -r package; do
        [ -e "$stamps/$package" ] || needed+=("$package")
    done < <(apt-get install --simulate --no-install-recommends --no-upgrade "$@" |
        sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+).*/\1=\3/p')
    echo "${#needed[@]} packages to fetch into $folder"
    [ ${#needed[@]} -gt 0 ] || return 0
    fetched=$(mktemp -d)
    # apt warns that its own user cannot write into a private folder, and then does without this user.
    (cd "$fetched" && apt-get download -o APT::Sandbox::User=root --quiet=2 "${needed[@]}")
    for package in "$fetched"/*.deb; do
        dpkg -x "$package" "$folder"
        : >"$stamps/$(dpkg-deb --show --showformat='${Package}=${Version}' "$package")"
    done
    rm -r "$fetched"
}

# The unpacked espeak-ng must be told where its libraries and voices are.
write_espeak_launcher() {
    [ -x "$folder/usr/bin/espeak-ng" ] || return 0
    mkdir -p "$folder/bin"
    cat >"$folder/bin/espeak-ng" <<'LAUNCHER'
#!/bin/sh
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
for library in "$root"/usr/lib/*-linux-gnu* "$root"/usr/lib/*-linux-gnu*/pulseaudio "$root"/lib/*-linux-gnu*; do
    [ -d "$library" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$library
    [ -d "$library/espeak-ng-data" ] && ESPEAK_DATA_PATH=$library
done
export LD_LIBRARY_PATH ESPEAK_DATA_PATH
exec "$root/usr/bin/espeak-ng" "$@"
LAUNCHER
    chmod +x "$folder/bin/espeak-ng"
}

for group in "${groups[@]}"; do
    echo "== $group"
    case $group in
    fonts) choose "$FONTS" ;;
    photos) choose "$PHOTOS" ;;
    speech) choose "$SPEECH" ;;
    esac
    [ ${#found[@]} -gt 0 ] || continue
    if [ -n "$unpack" ]; then
        install_by_unpacking "${found[@]}"
    else
        install_with_apt "${found[@]}"
    fi
done
if [ -n "$unpack" ]; then
    write_espeak_launcher
    echo "Unpacked packages are in $folder"
fi
