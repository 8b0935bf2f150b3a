# nox: completion for bash, as `nox completion bash` prints it.
# eval "$(nox completion bash)" in ~/.bashrc, or this file as ~/.local/share/bash-completion/completions/nox

# Say what may stand after the words that are there: words, FILES, FOLDERS or ANYTHING.
_nox_words() {
    case $1 in
        "nox") echo "submit run watch results status fetch list logs wait explain cancel hold release retry set push clean cite events worker serve token metrics doctor config schema version help completion --help -h --version --local --debug --color" ;;
        "nox --color") echo "auto always never" ;;
        "nox submit") echo "FILES --sp --grad --opt -o --hess --ohess --bhess --temp --pressure --symmetry-number --gfn --gfnff --ipea1 --alpb --gbsa --spinpol --engine --chrg -c --uhf -u --mult --acc --etemp --iterations --cycles --freeze --input --force --kind --payload --name --tag --batch --priority --cores --memory --time --retries --retry-on --max-fails --files-from --smiles --split --skip-bad --allow-empty --begin --delay --hold --from --after --after-any --after-fail --unique --if-exists --require-store --fallback --require-durable --dry-run --wait --watch --timeout --no-start --quiet -q --json --help -h --local --debug --color" ;;
        "nox submit --opt" | "nox submit -o") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox submit --ohess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox submit --bhess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox submit --temp") echo "ANYTHING" ;;
        "nox submit --pressure") echo "ANYTHING" ;;
        "nox submit --symmetry-number") echo "ANYTHING" ;;
        "nox submit --gfn") echo "0 1 2" ;;
        "nox submit --alpb") echo "ANYTHING" ;;
        "nox submit --gbsa") echo "ANYTHING" ;;
        "nox submit --engine") echo "auto xtb tblite xtb-cli" ;;
        "nox submit --chrg" | "nox submit -c") echo "ANYTHING" ;;
        "nox submit --uhf" | "nox submit -u") echo "ANYTHING" ;;
        "nox submit --mult") echo "ANYTHING" ;;
        "nox submit --acc") echo "ANYTHING" ;;
        "nox submit --etemp") echo "ANYTHING" ;;
        "nox submit --iterations") echo "ANYTHING" ;;
        "nox submit --cycles") echo "ANYTHING" ;;
        "nox submit --freeze") echo "ANYTHING" ;;
        "nox submit --input") echo "FILES" ;;
        "nox submit --kind") echo "echo" ;;
        "nox submit --payload") echo "ANYTHING" ;;
        "nox submit --name") echo "ANYTHING" ;;
        "nox submit --tag") echo "ANYTHING" ;;
        "nox submit --batch") echo "ANYTHING" ;;
        "nox submit --priority") echo "ANYTHING" ;;
        "nox submit --cores") echo "ANYTHING" ;;
        "nox submit --memory") echo "ANYTHING" ;;
        "nox submit --time") echo "ANYTHING" ;;
        "nox submit --retries") echo "ANYTHING" ;;
        "nox submit --retry-on") echo "ANYTHING" ;;
        "nox submit --max-fails") echo "ANYTHING" ;;
        "nox submit --files-from") echo "FILES" ;;
        "nox submit --smiles") echo "ANYTHING" ;;
        "nox submit --begin") echo "ANYTHING" ;;
        "nox submit --delay") echo "ANYTHING" ;;
        "nox submit --from") echo "@last @failed @running @waiting @all" ;;
        "nox submit --after") echo "@last @failed @running @waiting @all" ;;
        "nox submit --after-any") echo "@last @failed @running @waiting @all" ;;
        "nox submit --after-fail") echo "@last @failed @running @waiting @all" ;;
        "nox submit --unique") echo "ANYTHING OPTIONAL" ;;
        "nox submit --if-exists") echo "skip error new retry-failed" ;;
        "nox submit --require-store") echo "redis local" ;;
        "nox submit --fallback") echo "none local hold" ;;
        "nox submit --timeout") echo "ANYTHING" ;;
        "nox submit --color") echo "auto always never" ;;
        "nox run") echo "FILES --sp --grad --opt -o --hess --ohess --bhess --temp --pressure --symmetry-number --gfn --gfnff --ipea1 --alpb --gbsa --spinpol --engine --chrg -c --uhf -u --mult --acc --etemp --iterations --cycles --freeze --input --force --kind --payload --name --tag --batch --priority --cores --memory --time --retries --retry-on --max-fails --files-from --smiles --split --skip-bad --allow-empty --slots --directory -d --time-limit --here --quiet -q --json --help -h --local --debug --color" ;;
        "nox run --opt" | "nox run -o") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox run --ohess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox run --bhess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox run --temp") echo "ANYTHING" ;;
        "nox run --pressure") echo "ANYTHING" ;;
        "nox run --symmetry-number") echo "ANYTHING" ;;
        "nox run --gfn") echo "0 1 2" ;;
        "nox run --alpb") echo "ANYTHING" ;;
        "nox run --gbsa") echo "ANYTHING" ;;
        "nox run --engine") echo "auto xtb tblite xtb-cli" ;;
        "nox run --chrg" | "nox run -c") echo "ANYTHING" ;;
        "nox run --uhf" | "nox run -u") echo "ANYTHING" ;;
        "nox run --mult") echo "ANYTHING" ;;
        "nox run --acc") echo "ANYTHING" ;;
        "nox run --etemp") echo "ANYTHING" ;;
        "nox run --iterations") echo "ANYTHING" ;;
        "nox run --cycles") echo "ANYTHING" ;;
        "nox run --freeze") echo "ANYTHING" ;;
        "nox run --input") echo "FILES" ;;
        "nox run --kind") echo "echo" ;;
        "nox run --payload") echo "ANYTHING" ;;
        "nox run --name") echo "ANYTHING" ;;
        "nox run --tag") echo "ANYTHING" ;;
        "nox run --batch") echo "ANYTHING" ;;
        "nox run --priority") echo "ANYTHING" ;;
        "nox run --cores") echo "ANYTHING" ;;
        "nox run --memory") echo "ANYTHING" ;;
        "nox run --time") echo "ANYTHING" ;;
        "nox run --retries") echo "ANYTHING" ;;
        "nox run --retry-on") echo "ANYTHING" ;;
        "nox run --max-fails") echo "ANYTHING" ;;
        "nox run --files-from") echo "FILES" ;;
        "nox run --smiles") echo "ANYTHING" ;;
        "nox run --slots") echo "ANYTHING" ;;
        "nox run --directory" | "nox run -d") echo "FOLDERS" ;;
        "nox run --time-limit") echo "ANYTHING" ;;
        "nox run --color") echo "auto always never" ;;
        "nox watch") echo "@last @failed @running @waiting @all --all --compact --since --json --help -h --local --debug --color" ;;
        "nox watch --since") echo "ANYTHING" ;;
        "nox watch --color") echo "auto always never" ;;
        "nox results") echo "@last @failed @running @waiting @all --all -a --sort --limit --attempt --columns --unit --relative --boltzmann --within --keep-reacted --no-mirror --temp --standard-state --symmetry-number --output -o --json --quiet -q --raw --help -h --local --debug --color" ;;
        "nox results --sort") echo "ANYTHING" ;;
        "nox results --limit") echo "ANYTHING" ;;
        "nox results --attempt") echo "ANYTHING" ;;
        "nox results --columns") echo "ANYTHING" ;;
        "nox results --unit") echo "hartree ev kcal kj" ;;
        "nox results --within") echo "ANYTHING" ;;
        "nox results --temp") echo "ANYTHING" ;;
        "nox results --standard-state") echo "pending running completed failed cancelled held scheduled blocked queued done" ;;
        "nox results --symmetry-number") echo "ANYTHING" ;;
        "nox results --output" | "nox results -o") echo "table json jsonl csv tsv ids extxyz md si" ;;
        "nox results --color") echo "auto always never" ;;
        "nox status") echo "@last @failed @running @waiting @all --json --raw --exit-status --attempt --help -h --local --debug --color" ;;
        "nox status --attempt") echo "ANYTHING" ;;
        "nox status --color") echo "auto always never" ;;
        "nox fetch") echo "@last @failed @running @waiting @all --directory -d --template --attempt --ls --force -f --skip-existing --output -o --json --help -h --local --debug --color" ;;
        "nox fetch --directory" | "nox fetch -d") echo "FOLDERS" ;;
        "nox fetch --template") echo "ANYTHING" ;;
        "nox fetch --attempt") echo "ANYTHING" ;;
        "nox fetch --output" | "nox fetch -o") echo "FILES" ;;
        "nox fetch --color") echo "auto always never" ;;
        "nox list") echo "@last @failed @running @waiting @all --state --since --name --tag --batch --all-users --limit --cursor --sort --columns --output -o --json --quiet -q --raw --help -h --local --debug --color" ;;
        "nox list --state") echo "pending running completed failed cancelled held scheduled blocked queued done" ;;
        "nox list --since") echo "ANYTHING" ;;
        "nox list --name") echo "ANYTHING" ;;
        "nox list --tag") echo "ANYTHING" ;;
        "nox list --batch") echo "ANYTHING" ;;
        "nox list --limit") echo "ANYTHING" ;;
        "nox list --cursor") echo "ANYTHING" ;;
        "nox list --sort") echo "ANYTHING" ;;
        "nox list --columns") echo "ANYTHING" ;;
        "nox list --output" | "nox list -o") echo "table json jsonl csv tsv ids" ;;
        "nox list --color") echo "auto always never" ;;
        "nox logs") echo "@last @failed @running @waiting @all --follow -f --lines -n --attempt --raw --help -h --local --debug --color" ;;
        "nox logs --lines" | "nox logs -n") echo "ANYTHING" ;;
        "nox logs --attempt") echo "ANYTHING" ;;
        "nox logs --color") echo "auto always never" ;;
        "nox wait") echo "@last @failed @running @waiting @all --timeout --any --fail-fast --summary --allow-empty --json --help -h --local --debug --color" ;;
        "nox wait --timeout") echo "ANYTHING" ;;
        "nox wait --color") echo "auto always never" ;;
        "nox explain") echo "@last @failed @running @waiting @all --json --help -h --local --debug --color" ;;
        "nox explain --color") echo "auto always never" ;;
        "nox cancel") echo "@last @failed @running @waiting @all --all --any-user --yes -y --json --help -h --local --debug --color" ;;
        "nox cancel --color") echo "auto always never" ;;
        "nox hold") echo "@last @failed @running @waiting @all --any-user --json --help -h --local --debug --color" ;;
        "nox hold --color") echo "auto always never" ;;
        "nox release") echo "@last @failed @running @waiting @all --any-user --json --help -h --local --debug --color" ;;
        "nox release --color") echo "auto always never" ;;
        "nox retry") echo "@last @failed @running @waiting @all --done --from-last-geometry --any-user --yes -y --json --help -h --local --debug --color" ;;
        "nox retry --color") echo "auto always never" ;;
        "nox set") echo "@last @failed @running @waiting @all --priority --cores --memory --time --name --tag --any-user --json --help -h --local --debug --color" ;;
        "nox set --priority") echo "ANYTHING" ;;
        "nox set --cores") echo "ANYTHING" ;;
        "nox set --memory") echo "ANYTHING" ;;
        "nox set --time") echo "ANYTHING" ;;
        "nox set --name") echo "ANYTHING" ;;
        "nox set --tag") echo "ANYTHING" ;;
        "nox set --color") echo "auto always never" ;;
        "nox push") echo "@last @failed @running @waiting @all --recall --yes --quiet -q --json --help -h --local --debug --color" ;;
        "nox push --color") echo "auto always never" ;;
        "nox clean") echo "@last @failed @running @waiting @all --older --state --attempts --files-only --dry-run --any-user --yes -y --json --help -h --local --debug --color" ;;
        "nox clean --older") echo "ANYTHING" ;;
        "nox clean --state") echo "pending running completed failed cancelled held scheduled blocked queued done" ;;
        "nox clean --color") echo "auto always never" ;;
        "nox cite") echo "@last @failed @running @waiting @all --json --help -h --local --debug --color" ;;
        "nox cite --color") echo "auto always never" ;;
        "nox events") echo "--since --follow -f --help -h --local --debug --color" ;;
        "nox events --since") echo "ANYTHING" ;;
        "nox events --color") echo "auto always never" ;;
        "nox worker") echo "list --slots --cores --memory --idle-timeout --burst --max-jobs --time-limit --drain-before --drain-timeout --connect-timeout --require-auth --for --name --metrics --log-format --export --help -h --local --debug --color" ;;
        "nox worker --slots") echo "ANYTHING" ;;
        "nox worker --cores") echo "ANYTHING" ;;
        "nox worker --memory") echo "ANYTHING" ;;
        "nox worker --idle-timeout") echo "ANYTHING" ;;
        "nox worker --max-jobs") echo "ANYTHING" ;;
        "nox worker --time-limit") echo "ANYTHING" ;;
        "nox worker --drain-before") echo "ANYTHING" ;;
        "nox worker --drain-timeout") echo "ANYTHING" ;;
        "nox worker --connect-timeout") echo "ANYTHING" ;;
        "nox worker --for") echo "me all" ;;
        "nox worker --name") echo "ANYTHING" ;;
        "nox worker --metrics") echo "ANYTHING" ;;
        "nox worker --log-format") echo "text json" ;;
        "nox worker --export") echo "FOLDERS" ;;
        "nox worker --color") echo "auto always never" ;;
        "nox worker list") echo "--json --help -h --local --debug --color" ;;
        "nox worker list --color") echo "auto always never" ;;
        "nox serve") echo "--bind --unix --read-only --public-url --metrics --with-worker --for --help -h --local --debug --color" ;;
        "nox serve --bind") echo "ANYTHING" ;;
        "nox serve --unix") echo "ANYTHING" ;;
        "nox serve --public-url") echo "ANYTHING" ;;
        "nox serve --for") echo "me all" ;;
        "nox serve --color") echo "auto always never" ;;
        "nox token") echo "new list revoke --help -h --local --debug --color" ;;
        "nox token --color") echo "auto always never" ;;
        "nox token new") echo "ANYTHING --owner --expires --max-jobs --max-cores --max-memory --max-stored --max-streams --scope --json --help -h --local --debug --color" ;;
        "nox token new --owner") echo "ANYTHING" ;;
        "nox token new --expires") echo "ANYTHING" ;;
        "nox token new --max-jobs") echo "ANYTHING" ;;
        "nox token new --max-cores") echo "ANYTHING" ;;
        "nox token new --max-memory") echo "ANYTHING" ;;
        "nox token new --max-stored") echo "ANYTHING" ;;
        "nox token new --max-streams") echo "ANYTHING" ;;
        "nox token new --scope") echo "read submit admin" ;;
        "nox token new --color") echo "auto always never" ;;
        "nox token list") echo "--json --help -h --local --debug --color" ;;
        "nox token list --color") echo "auto always never" ;;
        "nox token revoke") echo "ANYTHING --json --help -h --local --debug --color" ;;
        "nox token revoke --color") echo "auto always never" ;;
        "nox metrics") echo "--help -h --local --debug --color" ;;
        "nox metrics --color") echo "auto always never" ;;
        "nox doctor") echo "FILES --json --numbers --chrg -c --uhf -u --help -h --local --debug --color" ;;
        "nox doctor --chrg" | "nox doctor -c") echo "ANYTHING" ;;
        "nox doctor --uhf" | "nox doctor -u") echo "ANYTHING" ;;
        "nox doctor --color") echo "auto always never" ;;
        "nox config") echo "show path --help -h --local --debug --color" ;;
        "nox config --color") echo "auto always never" ;;
        "nox config show") echo "--json --help -h --local --debug --color" ;;
        "nox config show --color") echo "auto always never" ;;
        "nox config path") echo "--json --help -h --local --debug --color" ;;
        "nox config path --color") echo "auto always never" ;;
        "nox schema") echo "result outcome job request record event submitted status row change changes wait explanation worker --help -h --local --debug --color" ;;
        "nox schema --color") echo "auto always never" ;;
        "nox version") echo "--json --help -h --local --debug --color" ;;
        "nox version --color") echo "auto always never" ;;
        "nox help") echo "selectors examples states environment exit-codes submit run watch results status fetch list logs wait explain cancel hold release retry set push clean cite events worker serve token metrics doctor config schema version help completion --all --help -h --local --debug --color" ;;
        "nox help --color") echo "auto always never" ;;
        "nox completion") echo "bash zsh fish --help -h --local --debug --color" ;;
        "nox completion --color") echo "auto always never" ;;
    esac
}

# Offer those of the words that fit what is typed; FILES and FOLDERS are left to bash.
_nox_offer() {
    local typed=$1 word
    shift
    for word; do
        case $word in
            FILES) compopt -o default 2>/dev/null ;;
            FOLDERS) compopt -o dirnames 2>/dev/null ;;
            ANYTHING | OPTIONAL) ;;
            -*) [[ $typed == -* && $word == "$typed"* ]] && COMPREPLY+=("$word") ;;
            "$typed"*) COMPREPLY+=("$word") ;;
        esac
    done
}

_nox() {
    local line=${COMP_LINE:0:COMP_POINT} path=nox option='' found i
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    local last=$((${#words[@]} - 1))
    local typed=${words[last]}
    COMPREPLY=()
    for ((i = 1; i < last; i++)); do
        if [[ -n $option ]]; then
            found=" $(_nox_words "$path $option") "
            option=''
            [[ $found != *' OPTIONAL '* || $found == *" ${words[i]} "* ]] && continue
        fi
        [[ ${words[i]} == -- || -z $(_nox_words "$path ${words[i]}") ]] && continue
        case ${words[i]} in
            -*) option=${words[i]} ;;
            *) path+=" ${words[i]}" ;;
        esac
    done
    if [[ -z $option && $typed == --*=* ]]; then
        option=${typed%%=*}
        typed=${typed#*=}
        found=$(_nox_words "$path $option")
    elif [[ -n $option ]]; then
        found=$(_nox_words "$path $option")
        [[ " $found " == *' OPTIONAL '* ]] && found+=" $(_nox_words "$path")"
    else
        found=$(_nox_words "$path")
    fi
    _nox_offer "$typed" $found
}

complete -F _nox nox
