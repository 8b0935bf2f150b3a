# nox: completion for bash, as `nox completion bash` prints it.
# eval "$(nox completion bash)" in ~/.bashrc, or this file as ~/.local/share/bash-completion/completions/nox

# Say what may stand after the words that are there: words, FILES, FOLDERS, ANYTHING, or ASK: for nox.
_nox_words() {
    case $1 in
        "nox") echo "submit run watch top results plot status fetch open list logs wait explain cancel hold release retry set push clean cite events worker alloc serve token metrics doctor config schema version help completion --help -h --version --local --debug --color" ;;
        "nox --color") echo "auto always never" ;;
        "nox submit") echo "FILES --sp --grad --opt -o --hess --ohess --bhess --temp --pressure --symmetry-number --gfn --gfnff --ipea1 --alpb --gbsa --spinpol --engine --chrg -c --uhf -u --mult --acc --etemp --iterations --cycles --freeze --input --force --kind --payload --name --tag --batch --priority --cores --memory --time --retries --retry-on --max-fails --files-from --smiles --split --skip-bad --allow-empty --profile --begin --delay --hold --from --after --after-any --after-fail --unique --if-exists --require-store --fallback --require-durable --dry-run --wait --watch --timeout --no-start --quiet -q --json --help -h --local --debug --color" ;;
        "nox submit --opt" | "nox submit -o") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox submit --ohess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox submit --bhess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox submit --temp") echo "ANYTHING" ;;
        "nox submit --pressure") echo "ANYTHING" ;;
        "nox submit --symmetry-number") echo "ANYTHING" ;;
        "nox submit --gfn") echo "0 1 2" ;;
        "nox submit --alpb") echo "acetone acetonitrile aniline benzaldehyde benzene ch2cl2 chcl3 cs2 dioxane dmf dmso ethanol ether ethylacetate furane hexadecane hexane methanol nitromethane octanol phenol thf toluene water woctanol" ;;
        "nox submit --gbsa") echo "acetone acetonitrile benzene ch2cl2 chcl3 cs2 dmf dmso ether hexane methanol thf toluene water" ;;
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
        "nox submit --tag") echo "ASK:tags" ;;
        "nox submit --batch") echo "ASK:batches" ;;
        "nox submit --priority") echo "ANYTHING" ;;
        "nox submit --cores") echo "ANYTHING" ;;
        "nox submit --memory") echo "ANYTHING" ;;
        "nox submit --time") echo "ANYTHING" ;;
        "nox submit --retries") echo "ANYTHING" ;;
        "nox submit --retry-on") echo "crashed memory not_converged scf timeout worker_lost LIST" ;;
        "nox submit --max-fails") echo "ANYTHING" ;;
        "nox submit --files-from") echo "FILES" ;;
        "nox submit --smiles") echo "ANYTHING" ;;
        "nox submit --profile") echo "ASK:profiles" ;;
        "nox submit --begin") echo "ANYTHING" ;;
        "nox submit --delay") echo "ANYTHING" ;;
        "nox submit --from") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs" ;;
        "nox submit --after") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs" ;;
        "nox submit --after-any") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs" ;;
        "nox submit --after-fail") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs" ;;
        "nox submit --unique") echo "ANYTHING OPTIONAL" ;;
        "nox submit --if-exists") echo "skip error new retry-failed" ;;
        "nox submit --require-store") echo "redis local" ;;
        "nox submit --fallback") echo "none local hold" ;;
        "nox submit --timeout") echo "ANYTHING" ;;
        "nox submit --color") echo "auto always never" ;;
        "nox run") echo "FILES --sp --grad --opt -o --hess --ohess --bhess --temp --pressure --symmetry-number --gfn --gfnff --ipea1 --alpb --gbsa --spinpol --engine --chrg -c --uhf -u --mult --acc --etemp --iterations --cycles --freeze --input --force --kind --payload --name --tag --batch --priority --cores --memory --time --retries --retry-on --max-fails --files-from --smiles --split --skip-bad --allow-empty --profile --slots --directory -d --time-limit --here --quiet -q --json --help -h --local --debug --color" ;;
        "nox run --opt" | "nox run -o") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox run --ohess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox run --bhess") echo "crude sloppy loose normal tight vtight extreme OPTIONAL" ;;
        "nox run --temp") echo "ANYTHING" ;;
        "nox run --pressure") echo "ANYTHING" ;;
        "nox run --symmetry-number") echo "ANYTHING" ;;
        "nox run --gfn") echo "0 1 2" ;;
        "nox run --alpb") echo "acetone acetonitrile aniline benzaldehyde benzene ch2cl2 chcl3 cs2 dioxane dmf dmso ethanol ether ethylacetate furane hexadecane hexane methanol nitromethane octanol phenol thf toluene water woctanol" ;;
        "nox run --gbsa") echo "acetone acetonitrile benzene ch2cl2 chcl3 cs2 dmf dmso ether hexane methanol thf toluene water" ;;
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
        "nox run --tag") echo "ASK:tags" ;;
        "nox run --batch") echo "ASK:batches" ;;
        "nox run --priority") echo "ANYTHING" ;;
        "nox run --cores") echo "ANYTHING" ;;
        "nox run --memory") echo "ANYTHING" ;;
        "nox run --time") echo "ANYTHING" ;;
        "nox run --retries") echo "ANYTHING" ;;
        "nox run --retry-on") echo "crashed memory not_converged scf timeout worker_lost LIST" ;;
        "nox run --max-fails") echo "ANYTHING" ;;
        "nox run --files-from") echo "FILES" ;;
        "nox run --smiles") echo "ANYTHING" ;;
        "nox run --profile") echo "ASK:profiles" ;;
        "nox run --slots") echo "ANYTHING" ;;
        "nox run --directory" | "nox run -d") echo "FOLDERS" ;;
        "nox run --time-limit") echo "ANYTHING" ;;
        "nox run --color") echo "auto always never" ;;
        "nox watch") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --bell --notify --all --compact --since --json --help -h --local --debug --color" ;;
        "nox watch --notify") echo "ANYTHING" ;;
        "nox watch --since") echo "ANYTHING" ;;
        "nox watch --color") echo "auto always never" ;;
        "nox top") echo "ANYTHING --all-users --help -h --local --debug --color" ;;
        "nox top --color") echo "auto always never" ;;
        "nox results") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --all -a --sort --limit --attempt --columns --unit --relative --boltzmann --within --keep-reacted --no-mirror --electronic --temp --standard-state --symmetry-number --output -o --json --quiet -q --raw --help -h --local --debug --color" ;;
        "nox results --sort") echo "number job_id batch name source_file input_sha256 formula n_atoms charge unpaired_electrons charge_origin calculation opt_level method electronic_temperature_k state reason warnings energy_hartree gradient_norm_hartree_per_bohr gap_ev homo_ev lumo_ev dipole_debye converged steps engine engine_version nox_version host attempt wall_s finished_at verdicts bonds_changed imaginary_modes lowest_mode_cm1 zpe_hartree enthalpy_hartree entropy_hartree_per_k gibbs_hartree gibbs_rrho_hartree temperature_k pressure_pa symmetry_number solvation solvent spin_polarised" ;;
        "nox results --limit") echo "ANYTHING" ;;
        "nox results --attempt") echo "ANYTHING" ;;
        "nox results --columns") echo "number job_id batch name source_file input_sha256 formula n_atoms charge unpaired_electrons charge_origin calculation opt_level method electronic_temperature_k state reason warnings energy_hartree gradient_norm_hartree_per_bohr gap_ev homo_ev lumo_ev dipole_debye converged steps engine engine_version nox_version host attempt wall_s finished_at verdicts bonds_changed imaginary_modes lowest_mode_cm1 zpe_hartree enthalpy_hartree entropy_hartree_per_k gibbs_hartree gibbs_rrho_hartree temperature_k pressure_pa symmetry_number solvation solvent spin_polarised LIST" ;;
        "nox results --unit") echo "hartree ev kcal kj" ;;
        "nox results --within") echo "ANYTHING" ;;
        "nox results --temp") echo "ANYTHING" ;;
        "nox results --standard-state") echo "waiting held scheduled blocked queued running done failed cancelled pending completed" ;;
        "nox results --symmetry-number") echo "ANYTHING" ;;
        "nox results --output" | "nox results -o") echo "table json jsonl csv tsv ids extxyz md si" ;;
        "nox results --color") echo "auto always never" ;;
        "nox plot") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --kind --unit --width --output -o --force -f --data --ascii --json --help -h --local --debug --color" ;;
        "nox plot --kind") echo "convergence ir energies" ;;
        "nox plot --unit") echo "hartree ev kcal kj" ;;
        "nox plot --width") echo "ANYTHING" ;;
        "nox plot --output" | "nox plot -o") echo "FILES" ;;
        "nox plot --color") echo "auto always never" ;;
        "nox status") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --json --raw --exit-status --attempt --help -h --local --debug --color" ;;
        "nox status --attempt") echo "ANYTHING" ;;
        "nox status --color") echo "auto always never" ;;
        "nox fetch") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --directory -d --template --attempt --ls --force -f --skip-existing --output -o --json --help -h --local --debug --color" ;;
        "nox fetch ...") echo "ASK:files --directory -d --template --attempt --ls --force -f --skip-existing --output -o --json --help -h --local --debug --color" ;;
        "nox fetch --directory" | "nox fetch -d") echo "FOLDERS" ;;
        "nox fetch --template") echo "ANYTHING" ;;
        "nox fetch --attempt") echo "ANYTHING" ;;
        "nox fetch --output" | "nox fetch -o") echo "FILES" ;;
        "nox fetch --color") echo "auto always never" ;;
        "nox open") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --viewer --json --help -h --local --debug --color" ;;
        "nox open ...") echo "ASK:files --viewer --json --help -h --local --debug --color" ;;
        "nox open --viewer") echo "ANYTHING" ;;
        "nox open --color") echo "auto always never" ;;
        "nox list") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --state --since --name --tag --batch --all-users --limit --cursor --sort --columns --output -o --json --quiet -q --raw --help -h --local --debug --color" ;;
        "nox list --state") echo "waiting held scheduled blocked queued running done failed cancelled pending completed LIST" ;;
        "nox list --since") echo "ANYTHING" ;;
        "nox list --name") echo "ASK:names" ;;
        "nox list --tag") echo "ASK:tags" ;;
        "nox list --batch") echo "ASK:batches" ;;
        "nox list --limit") echo "ANYTHING" ;;
        "nox list --cursor") echo "ANYTHING" ;;
        "nox list --sort") echo "number created ended priority -number -created -ended -priority" ;;
        "nox list --columns") echo "number job_id name state raw_state reason progress message owner batch calculation formula n_atoms engine priority cores memory_bytes time_limit_s attempt round losses cancel_requested host energy_hartree step created_at started_at finished_at wall_s tags retries retry_on retries_left due_at result_attempt LIST" ;;
        "nox list --output" | "nox list -o") echo "table json jsonl csv tsv ids" ;;
        "nox list --color") echo "auto always never" ;;
        "nox logs") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --follow -f --lines -n --attempt --raw --help -h --local --debug --color" ;;
        "nox logs --lines" | "nox logs -n") echo "ANYTHING" ;;
        "nox logs --attempt") echo "ANYTHING" ;;
        "nox logs --color") echo "auto always never" ;;
        "nox wait") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --timeout --any --fail-fast --summary --bell --notify --allow-empty --json --help -h --local --debug --color" ;;
        "nox wait --timeout") echo "ANYTHING" ;;
        "nox wait --notify") echo "ANYTHING" ;;
        "nox wait --color") echo "auto always never" ;;
        "nox explain") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --json --help -h --local --debug --color" ;;
        "nox explain --color") echo "auto always never" ;;
        "nox cancel") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --all --any-user --yes -y --json --help -h --local --debug --color" ;;
        "nox cancel --color") echo "auto always never" ;;
        "nox hold") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --any-user --json --help -h --local --debug --color" ;;
        "nox hold --color") echo "auto always never" ;;
        "nox release") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --any-user --json --help -h --local --debug --color" ;;
        "nox release --color") echo "auto always never" ;;
        "nox retry") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --done --from-last-geometry --any-user --yes -y --json --help -h --local --debug --color" ;;
        "nox retry --color") echo "auto always never" ;;
        "nox set") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --priority --cores --memory --time --name --tag --any-user --json --help -h --local --debug --color" ;;
        "nox set --priority") echo "ANYTHING" ;;
        "nox set --cores") echo "ANYTHING" ;;
        "nox set --memory") echo "ANYTHING" ;;
        "nox set --time") echo "ANYTHING" ;;
        "nox set --name") echo "ANYTHING" ;;
        "nox set --tag") echo "ASK:tags" ;;
        "nox set --color") echo "auto always never" ;;
        "nox push") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --recall --yes --quiet -q --json --help -h --local --debug --color" ;;
        "nox push --color") echo "auto always never" ;;
        "nox clean") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --older --state --attempts --files-only --dry-run --any-user --yes -y --json --help -h --local --debug --color" ;;
        "nox clean --older") echo "ANYTHING" ;;
        "nox clean --state") echo "waiting held scheduled blocked queued running done failed cancelled pending completed LIST" ;;
        "nox clean --color") echo "auto always never" ;;
        "nox cite") echo "@last @all @waiting @running @done @failed @cancelled @batch: name: tag: ASK:jobs --json --help -h --local --debug --color" ;;
        "nox cite --color") echo "auto always never" ;;
        "nox events") echo "--since --follow -f --help -h --local --debug --color" ;;
        "nox events --since") echo "ANYTHING" ;;
        "nox events --color") echo "auto always never" ;;
        "nox worker") echo "list --slots --cores --memory --bundle --idle-timeout --burst --max-jobs --time-limit --drain-before --drain-timeout --connect-timeout --require-auth --for --name --metrics --log-format --export --print-sbatch --help -h --local --debug --color" ;;
        "nox worker --slots") echo "ANYTHING" ;;
        "nox worker --cores") echo "ANYTHING" ;;
        "nox worker --memory") echo "ANYTHING" ;;
        "nox worker --bundle") echo "ANYTHING" ;;
        "nox worker --idle-timeout") echo "ANYTHING" ;;
        "nox worker --max-jobs") echo "ANYTHING" ;;
        "nox worker --time-limit") echo "ANYTHING" ;;
        "nox worker --drain-before") echo "ANYTHING" ;;
        "nox worker --drain-timeout") echo "ANYTHING" ;;
        "nox worker --connect-timeout") echo "ANYTHING" ;;
        "nox worker --for") echo "me all" ;;
        "nox worker --name") echo "ASK:workers" ;;
        "nox worker --metrics") echo "ANYTHING" ;;
        "nox worker --log-format") echo "text json" ;;
        "nox worker --export") echo "FOLDERS" ;;
        "nox worker --color") echo "auto always never" ;;
        "nox worker list") echo "--json --help -h --local --debug --color" ;;
        "nox worker list --color") echo "auto always never" ;;
        "nox alloc") echo "set run list show pause resume remove --help -h --local --debug --color" ;;
        "nox alloc --color") echo "auto always never" ;;
        "nox alloc set") echo "ASK:pools --cores --memory --time --max --pending --budget --idle --before --allow-loopback --json --help -h --local --debug --color" ;;
        "nox alloc set ...") echo "ANYTHING --cores --memory --time --max --pending --budget --idle --before --allow-loopback --json --help -h --local --debug --color" ;;
        "nox alloc set --cores") echo "ANYTHING" ;;
        "nox alloc set --memory") echo "ANYTHING" ;;
        "nox alloc set --time") echo "ANYTHING" ;;
        "nox alloc set --max") echo "ANYTHING" ;;
        "nox alloc set --pending") echo "ANYTHING" ;;
        "nox alloc set --budget") echo "ANYTHING" ;;
        "nox alloc set --idle") echo "ANYTHING" ;;
        "nox alloc set --before") echo "ANYTHING" ;;
        "nox alloc set --color") echo "auto always never" ;;
        "nox alloc run") echo "ASK:pools --once --dry-run --json --help -h --local --debug --color" ;;
        "nox alloc run --color") echo "auto always never" ;;
        "nox alloc list") echo "--json --help -h --local --debug --color" ;;
        "nox alloc list --color") echo "auto always never" ;;
        "nox alloc show") echo "ASK:pools --json --help -h --local --debug --color" ;;
        "nox alloc show --color") echo "auto always never" ;;
        "nox alloc pause") echo "ASK:pools --json --help -h --local --debug --color" ;;
        "nox alloc pause --color") echo "auto always never" ;;
        "nox alloc resume") echo "ASK:pools --json --help -h --local --debug --color" ;;
        "nox alloc resume --color") echo "auto always never" ;;
        "nox alloc remove") echo "ASK:pools --json --help -h --local --debug --color" ;;
        "nox alloc remove --color") echo "auto always never" ;;
        "nox serve") echo "link --bind --unix --read-only --public-url --metrics --with-worker --for --help -h --local --debug --color" ;;
        "nox serve --bind") echo "ANYTHING" ;;
        "nox serve --unix") echo "ANYTHING" ;;
        "nox serve --public-url") echo "ANYTHING" ;;
        "nox serve --for") echo "me all" ;;
        "nox serve --color") echo "auto always never" ;;
        "nox serve link") echo "--json --help -h --local --debug --color" ;;
        "nox serve link --color") echo "auto always never" ;;
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
        "nox config") echo "show path set unset --help -h --local --debug --color" ;;
        "nox config --color") echo "auto always never" ;;
        "nox config show") echo "--json --help -h --local --debug --color" ;;
        "nox config show --color") echo "auto always never" ;;
        "nox config path") echo "--json --help -h --local --debug --color" ;;
        "nox config path --color") echo "auto always never" ;;
        "nox config set") echo "redis_url store fallback redis_password_file prefix home artifacts user autostart color viewer profile. ASK:keys --json --help -h --local --debug --color" ;;
        "nox config set ...") echo "ASK:values --json --help -h --local --debug --color" ;;
        "nox config set --color") echo "auto always never" ;;
        "nox config unset") echo "redis_url store fallback redis_password_file prefix home artifacts user autostart color viewer profile. ASK:keys --json --help -h --local --debug --color" ;;
        "nox config unset --color") echo "auto always never" ;;
        "nox schema") echo "result outcome job request record event allocation_event submitted status row change changes wait explanation worker --help -h --local --debug --color" ;;
        "nox schema --color") echo "auto always never" ;;
        "nox version") echo "--json --help -h --local --debug --color" ;;
        "nox version --color") echo "auto always never" ;;
        "nox help") echo "selectors examples states environment exit-codes submit run watch top results plot status fetch open list logs wait explain cancel hold release retry set push clean cite events worker alloc serve token metrics doctor config schema version help completion --all --help -h --local --debug --color" ;;
        "nox help --color") echo "auto always never" ;;
        "nox completion") echo "bash zsh fish --help -h --local --debug --color" ;;
        "nox completion --color") echo "auto always never" ;;
    esac
}

# Offer those of the words that fit what is typed; FILES and FOLDERS are left to bash, ASK: to nox.
_nox_offer() {
    local typed=$1 kept='' word
    shift
    if [[ " $* " == *' LIST '* && $typed == *,* ]]; then
        kept=${typed%,*},
        typed=${typed##*,}
    fi
    for word; do
        case $word in
            FILES) compopt -o default 2>/dev/null ;;
            FOLDERS) compopt -o dirnames 2>/dev/null ;;
            ASK:*) _nox_ask "${word#ASK:}" "$typed" ;;
            ANYTHING | OPTIONAL | LIST) ;;
            -*) [[ $typed == -* && $word == "$typed"* ]] && COMPREPLY+=("$kept$word") ;;
            "$typed") [[ $word == *[:.] ]] || COMPREPLY+=("$kept$word") ;;
            "$typed"*) COMPREPLY+=("$kept$word") ;;
        esac
    done
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:.] ]] && compopt -o nospace 2>/dev/null
}

# Offer what nox finds in its store; in a list of several, each with its description.
_nox_ask() {
    local word shown
    [[ $2 == -* || ($2 == @* && $2 != *:*) ]] && return
    type -P nox >/dev/null || return
    while IFS=$'	' read -r word shown; do
        ((COMP_TYPE == 63)) && word=${shown:-$word}
        COMPREPLY+=("$word")
    done < <(command nox __complete bash "$1" "$line" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
    compopt -o nosort 2>/dev/null
}

_nox() {
    local line=${COMP_LINE:0:COMP_POINT} path=nox option='' later='' found i
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
        case "$path ${words[i]}" in
            "nox show") words[i]=status ;;
            "nox ls") words[i]=list ;;
            "nox ps") words[i]=list ;;
            "nox queue") words[i]=list ;;
            "nox squeue") words[i]=list ;;
        esac
        if [[ ${words[i]} == -- || -z $(_nox_words "$path ${words[i]}") ]]; then
            [[ ${words[i]} == -* || -z $(_nox_words "$path ...") ]] || later=' ...'
            continue
        fi
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
        found=$(_nox_words "$path$later")
    fi
    _nox_offer "$typed" $found
}

complete -F _nox nox
