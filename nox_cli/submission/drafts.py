"""Drafts of jobs: each input becomes a checked specification, or the refusal of it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nox_cli.inputs.charges import ChargeAndSpin, Flags, Sourced, Surroundings
from nox_cli.inputs.files import MAX_FILE_BYTES, STDIN, Input, read_file, shown, unpacked, without_gz
from nox_cli.inputs.formats import holds_molecule, records_of, refuse_other_formats
from nox_cli.inputs.lines import all_or_refused
from nox_cli.inputs.requests import Requested, looks_like_requests, read_requests, read_value
from nox_cli.inputs.xyz import read_records
from nox_cli.names import job_name, name_from
from nox_cli.submission.calculation import of_request
from nox_cli.submission.jobs import Draft, unique_key
from nox_cli.submission.options import refuse_calculation_options
from workers.engine.abilities import needs
from workers.errors import EngineError, InputRefused
from workers.job import JobState
from workers.sizes import size_words
from workers.spec import MAX_SPEC_BYTES, ChemistrySpec, EchoSpec, Source, Structure, plain_fields, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nox_cli.inputs.comment import Frame
    from nox_cli.submission.engine_choice import Pin
    from nox_cli.submission.geometry_sources import GeometrySource
    from nox_cli.submission.options import SubmitOptions
    from workers.documents import XtbRequest

REQUEST = "request"
OTHER_SURFACE = "frequencies by another method or in another solvent than its geometry: no minimum, perhaps"
EARLIER = "the job that it starts from was retried: this is the geometry of its earlier attempt"
NOT_DONE = "the job that it is to start from failed or was cancelled: it is cancelled until a retry"
# Of all files of one request: gzip packs a structure to a quarter, and a long run of blanks to a thousandth.
MOST_SENT_BYTES = 256 * 1024**2
_JSON_SUFFIXES = (".json", ".ndjson", ".jsonl")


@dataclass(eq=False, repr=False)
class Drafter:
    """Makes drafts of inputs; an input that cannot be computed gives the refusal of it."""

    owner: str
    options: SubmitOptions
    unique: str | None  # the key of a unique job; empty: one of its calculation; None: it is not compared
    calculation: ChemistrySpec
    flags: Flags
    choose_engine: Callable[[frozenset[str]], Pin]  # called once for each set of needs
    surroundings: Surroundings = field(default_factory=Surroundings)
    has_requests: bool = False
    pins: dict[frozenset[str], Pin] = field(default_factory=dict)  # the chosen engines, by needs
    warnings: dict[str, list[str]] = field(default_factory=dict)  # warning -> the names of its jobs
    sent_bytes: int = 0  # of the files that a client sent, once they are unpacked

    @property
    def has_calculations(self) -> bool:
        """Whether any draft was a calculation."""
        return bool(self.pins)

    def pin(self, calculation: ChemistrySpec, *, has_cell: bool) -> Pin:
        """Choose the engine of a calculation: the same for all that have the same needs.

        Raises:
            UsageError: the chosen engine cannot do it.
        """
        needed = needs(calculation, has_cell=has_cell)
        if needed not in self.pins:
            self.pins[needed] = self.choose_engine(needed)
        return self.pins[needed]

    def file(self, path: str, sent: Input | None = None) -> Iterator[Draft | InputRefused]:
        """Draft the jobs of one file: of that on the disk, or of one that a client sent."""
        try:
            if not _is_named_json(without_gz(path)):
                refuse_other_formats(without_gz(path), shown(path))
            source = read_file(path) if sent is None else self._unpacked(sent)
        except InputRefused as error:
            yield error
        else:
            yield from self.content(source)

    def _unpacked(self, sent: Input) -> Input:
        """Unpack a file that a client sent, within what all of them may have together."""
        if self.sent_bytes > MOST_SENT_BYTES:
            most = size_words(MOST_SENT_BYTES)
            what = f"{sent.shown}: not unpacked, since the files before it are larger than {most}, or damaged"
            raise InputRefused(what, hint="submit them in several requests")
        try:
            source = unpacked(sent)
        except InputRefused:
            self.sent_bytes += MAX_FILE_BYTES  # that much may have been unpacked
            raise
        self.sent_bytes += len(source.content)
        return source

    def content(self, source: Input) -> Iterator[Draft | InputRefused]:
        """Draft the jobs of a file that was read: structures, or requests."""
        is_json = _is_named_json(source.plain_path) or (source.path == STDIN and looks_like_requests(source))
        try:
            if is_json and not holds_molecule(source):
                yield from self._requests(source)
            else:
                yield from self._structures(source)
        except InputRefused as error:
            yield error

    def echo(self) -> Draft | InputRefused:
        """Draft the job of `--kind echo`."""
        try:
            payload = None if self.options.payload is None else read_value(self.options.payload, "--payload")
            return self._echo(_checked(payload), self.options.name or "")
        except InputRefused as error:
            return error

    def smiles(self, text: str) -> Draft | InputRefused:
        """Draft the job of one `--smiles`."""
        from nox_cli.inputs.smiles import frame_of

        try:
            frame = frame_of(text)
        except InputRefused as error:
            return error
        source = Input(STDIN, text.encode("utf-8", "surrogateescape"))
        origin = Source(file=f"SMILES {shown(text)}"[:4_096], sha256=source.sha256)
        return self._structure(frame, source, origin, name_from(text))

    def origin(self, origin: GeometrySource) -> Draft | InputRefused:
        """Draft the job that starts from another's final geometry."""
        name = self.options.name or origin.job.name
        try:
            frame = origin.frame()
            decided = origin.decide(self.flags, frame.symbols)
            draft = self._calculation(
                self.calculation, frame, decided, origin.source(), name, awaits=origin.geometry is None
            )
        except (InputRefused, EngineError) as error:
            place = "" if error.what.startswith("job ") else f"job {origin.job.number}: "
            return InputRefused(f"{place}{error.what}", hint=error.hint)
        if self.calculation.kind == "hess" and origin.differs(self.calculation):
            self.warnings.setdefault(OTHER_SURFACE, []).append(name or f"job {origin.job.number}")
        if origin.geometry is not None and origin.job.state is not JobState.DONE:
            self.warnings.setdefault(EARLIER, []).append(name or f"job {origin.job.number}")
        elif origin.job.state in {JobState.FAILED, JobState.CANCELLED}:
            self.warnings.setdefault(NOT_DONE, []).append(name or f"job {origin.job.number}")
        return draft._replace(parent=origin.parent)

    def _structures(self, source: Input) -> Iterator[Draft | InputRefused]:
        records = list(records_of(source))
        refused = next((one for one in records if isinstance(one, InputRefused)), None)
        if refused is not None and not self.options.split:
            raise refused
        frames = [one for one in records if not isinstance(one, InputRefused)]
        if len(frames) > 1 and not self.options.split:
            raise InputRefused(f"{source.shown}: {len(frames):,} frames", hint="add --split for a job each")
        origin = Source(file=source.shown[-4_096:], sha256=source.sha256)
        stem = name_from(source.label if source.path == STDIN else _stem(source.plain_path))
        if refused is None and len(frames) == 1:
            yield self._structure(frames[0], source, origin, stem)
            return
        titles = iter(_titles(frames))
        for number, one in enumerate(records, 1):
            if isinstance(one, InputRefused):
                yield one
                continue
            name = next(titles, "") or name_from(f"{stem[:240]}-{number:04d}")
            yield self._structure(one, source, replace(origin, frame=number), name)

    def _structure(self, frame: Frame, source: Input, origin: Source, name: str) -> Draft | InputRefused:
        try:
            path = source.plain_path
            decided = self.surroundings.decide(self.flags, frame.comment, path, frame.symbols)
            return self._calculation(self.calculation, frame, decided, origin, self.options.name or name)
        except (InputRefused, EngineError) as error:
            place = origin.file if origin.frame is None else f"{origin.file}:{frame.line}"
            return InputRefused(f"{place}: {error.what}", hint=error.hint)

    def _requests(self, source: Input) -> Iterator[Draft | InputRefused]:
        refuse_calculation_options(self.options, "a request says itself what to compute")
        self.has_requests = True
        for found in read_requests(source):
            yield found if isinstance(found, InputRefused) else self._requested(found)

    def _requested(self, found: Requested) -> Draft | InputRefused:
        request = found.request
        try:
            name = job_name(request.name) if request.name else self.options.name or ""
            if request.kind == "echo":
                return self._echo(EchoSpec(payload=request.payload), name)
            return self._requested_calculation(request, name)
        except (InputRefused, EngineError) as error:
            return InputRefused(f"{found.place}: {error.what}", hint=error.hint)

    def _requested_calculation(self, request: XtbRequest, name: str) -> Draft:
        inputs, params = request.inputs, request.inputs.params
        source = Input("inputs.xyz", inputs.xyz.encode("utf-8", "surrogatepass"))
        frames = all_or_refused(read_records(source))
        if len(frames) > 1:
            raise InputRefused(f"inputs.xyz: {len(frames):,} frames", hint="make a request of each")
        said = inputs.model_fields_set
        flags = Flags(
            Sourced(inputs.charge, REQUEST) if "charge" in said else None,
            Sourced(inputs.multiplicity - 1, REQUEST) if "multiplicity" in said else None,
        )
        try:
            calculation = of_request(params)
        except ValueError as error:
            raise InputRefused(str(error)) from None
        decided = self.surroundings.decide(flags, frames[0].comment, STDIN, frames[0].symbols)
        origin = Source(sha256=source.sha256)
        return self._calculation(calculation, frames[0], decided, origin, name)

    def _echo(self, spec: EchoSpec, name: str) -> Draft:
        fields = {"kind": spec.kind, "payload": spec.payload}
        text = _bounded(lambda: json.dumps(fields, ensure_ascii=False, separators=(",", ":")))
        return Draft("echo", text, "echo", name, unique=self._key(lambda: fields))

    def _key(self, fields: Callable[[], Mapping[str, object]], source_job: str = "") -> str:
        return "" if self.unique is None else unique_key(self.owner, self.unique, fields(), source_job)

    def _calculation(
        self,
        calculation: ChemistrySpec,
        frame: Frame,
        decided: ChargeAndSpin,
        origin: Source,
        name: str,
        *,
        awaits: bool = False,
    ) -> Draft:
        """Make the specification of a calculation, and check it.

        Raises:
            UsageError: the chosen engine cannot do it.
            InputRefused, EngineInput: it cannot be computed.
        """
        from workers.engine.molecule.checks import formula
        from workers.engine.molecule.specification import check_spec

        lattice = frame.lattice_angstrom
        try:
            structure = Structure(
                symbols=frame.symbols, positions_angstrom=frame.positions_angstrom, lattice_angstrom=lattice
            )
            if lattice is not None:  # names the reason, where `pin` could only name an engine
                from workers.engine.molecule.cells import check_crystal

                check_crystal(replace(calculation, structure=structure, charge=decided.charge), lattice)
            pin = self.pin(calculation, has_cell=lattice is not None)  # options are refused before structures
            spec = replace(
                calculation,
                structure=structure,
                charge=decided.charge,
                unpaired=decided.unpaired,
                charge_origin=decided.charge_origin[-255:],
                unpaired_origin=decided.unpaired_origin[-255:],
                source=origin,
                awaits_geometry=awaits,
                engine=pin.engine,
                engine_version=pin.version,
            )
        except ValueError as error:  # numbers in a request are checked here only
            raise InputRefused(str(error)) from None
        check_spec(spec)
        for warning in frame.warnings:
            self.warnings.setdefault(warning, []).append(name)
        return Draft(
            kind=spec.kind,
            spec_json=_bounded(lambda: written(spec)),
            engine=sys.intern(str(spec.engine_key)),  # the same text for most jobs of a submit
            name=name,
            formula=sys.intern(formula(frame.symbols)),
            atoms=len(frame.symbols),
            decided=decided,
            unique=self._key(lambda: plain_fields(spec), origin.job),
        )


def _stem(path: str) -> str:
    """Return the name of a file without its extension, as `PurePath.stem` at a tenth of its time."""
    name = os.path.basename(path)
    stem, _, extension = name.rpartition(".")
    return stem if stem and extension else name


def _is_named_json(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in _JSON_SUFFIXES


def _titles(frames: list[Frame]) -> list[str]:
    """Name jobs after the titles of structures; no names: titles are missing, or two are equal."""
    names = [name_from(frame.name) for frame in frames if frame.name]
    return names if len(set(names)) == len(frames) else []


def _checked(payload: object) -> EchoSpec:
    """Make the specification of an echo job.

    Raises:
        InputRefused: the payload is nested too deep, or holds what JSON cannot.
    """
    try:
        return EchoSpec(payload=payload)
    except ValueError as error:
        raise InputRefused(f"--payload: {error}") from None


def _bounded(write: Callable[[], str]) -> str:
    """Write a specification as JSON.

    Raises:
        InputRefused: it holds half of a surrogate pair, or is too large.
    """
    try:
        text = write()
        text.encode()
    except ValueError:
        raise InputRefused("half of a surrogate pair is no text") from None
    if len(text) > MAX_SPEC_BYTES // 4 and len(text.encode()) > MAX_SPEC_BYTES:
        raise InputRefused(f"larger than {MAX_SPEC_BYTES // 1024**2} MiB as a job")
    return text
