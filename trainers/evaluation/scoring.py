"""Scores of a plan's pictures: what the models saw of them, put through the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from annotators import concept_classifier, images
from annotators.base import Annotator, Picture
from annotators.embeddings import Embeddings
from schemas.errors import RowError, UsageError
from schemas.terminal.progress import Progress
from trainers.evaluation import plans
from trainers.evaluation.eyes import Distances, Eyes, Layouts, needs, open_eyes, parts
from trainers.evaluation.models_options import NONE, Models
from trainers.evaluation.plans import REAL, Floats, Job, Plan, Scored
from trainers.evaluation.seen import Ask, Sight
from trainers.metrics import cosines, frechet, leakage, r_precision, swd
from trainers.metrics.inception import inception_score
from trainers.metrics.vqa import vqa, vqa_among

SPLIT = 1_000
"""Pictures from which the inception score is the mean of ten splits; below it is of all of them."""
SETS = (plans.FID, plans.KID, plans.IS)
"""Metrics of sets of pictures."""


def score(plan: Plan, out: Path, models: Models, progress: Progress) -> Scored:
    """Scores the drawn pictures OUT/pictures/KEY.png and the run's own, by those of the plan's metrics that the models
    are there for. What models saw is kept in OUT/seen, so that a killed scoring goes on.

    Raises UsageError when pictures are missing or damaged, models are not there, or no metric is left.
    """
    eyes, usable = opened(plan, models)
    lacking = [metric for metric in plan.metrics if metric not in usable]
    warnings = [f"left out, as there is no model for it: {'; '.join(lacking)}"] if lacking else []
    if idle := _idle(plan, models):
        warnings.append(f"not used, as no metric of this protocol needs it: {', '.join(idle)}")
    scorer = _Scorer(plan, eyes, Sight(out / "seen", _loader(plan, out), progress))
    scorer.look(usable)
    columns = {_named(metric, eyes): scorer.column(metric) for metric in usable if metric not in SETS}
    sets = {}
    for metric in usable:
        if metric in SETS:
            sets[_named(metric, eyes)] = scorer.of_sets(metric, warnings)
    said = {_named(metric, eyes): told for metric in usable if (told := _provenance(metric, eyes))}
    return Scored(plan.jobs, columns, sets, said, tuple(warnings))


def opened(plan: Plan, models: Models) -> tuple[Eyes, list[str]]:
    """The models, none of which has looked yet, and the metrics of the plan that they suffice for. Raises UsageError
    when models are not there or of another kind, or no metric is left: worth a call before anything is drawn."""
    models.check_models()
    eyes = open_eyes(models, plan.metrics)
    usable = [metric for metric in plan.metrics if needs(metric) <= eyes.has]
    if not usable:
        raise UsageError("no metric is left to score with", seen=", ".join(plan.metrics),
                         next_command="other models: see --clip, --dino, --blip, --vqa")
    return eyes, usable


def _idle(plan: Plan, models: Models) -> list[str]:
    """Options that name a model which no metric of the plan asks for."""
    asked = frozenset().union(*(needs(metric) for metric in plan.metrics))
    for_what = {"blip": {"blip"}, "vqa": {"vqa"}, "inception": {"features", "logits"}, "lpips": {"lpips"}}
    return [f"--{name}" for name, what in for_what.items() if getattr(models, name) != NONE and not what & asked]


def _named(metric: str, eyes: Eyes) -> str:
    """The metric's name in the table: what is compared by other embeddings than its own says so."""
    if metric in (plans.FID, plans.KID):
        return metric + eyes.whole[1]
    if eyes.clip is not None and not eyes.clip.reads_text:
        return metric.replace(plans.CLIP_I, "Light-I")
    return metric


def _provenance(metric: str, eyes: Eyes) -> dict[str, str]:
    """Of the model behind a metric; nothing for products, whose metrics have their own."""
    if metric.startswith("SWD("):
        return {}
    by = {plans.DINO: eyes.dino, plans.BLIP: eyes.blip, plans.VQA: eyes.answers, plans.CONDITIONS: eyes.conditions,
          plans.ALL_CONDITIONS: eyes.conditions, plans.LPIPS: eyes.lpips, plans.LEAK: Layouts, plans.FID: eyes.whole[0],
          plans.KID: eyes.whole[0], plans.IS: eyes.inception}.get(parts(metric)[0], eyes.clip)
    told = {} if by is None else dict(by.provenance)
    if parts(metric)[0] == plans.VQA and eyes.clip is not None:
        told["answers_embedded_by"] = eyes.clip.provenance["weights"]
    return told


def _own(job: Job) -> str:
    """Name of a job's picture."""
    return f"pictures/{job.key}.png" if job.prompt else job.target


def _loader(plan: Plan, out: Path) -> Callable[[str], bytes]:
    drawn = {_own(job) for job in plan.jobs if job.prompt}

    def load(name: str) -> bytes:
        if name in drawn:
            return images.read(out / name)
        try:
            return plan.pictures[name]
        except KeyError:
            raise RowError("missing_file") from None

    return load


class _Part(NamedTuple):
    """Some of the made pictures: a group's, a subject's, or all."""

    group: str
    subject: str
    made: list[str]
    real: list[str]


class _Scorer:
    """What is computed for a plan. Pictures are named as `_own` and `Plan.pictures` do."""

    def __init__(self, plan: Plan, eyes: Eyes, sight: Sight) -> None:
        self._plan, self._eyes, self._sight, self._layouts = plan, eyes, sight, Layouts()
        self._said: dict[tuple[str, str], Floats] = {}
        self._done: dict[str, Floats] = {}
        self._distances: Distances | None = None

    def look(self, metrics: Sequence[str]) -> None:
        """Shows each picture to every model that some of the metrics need it for."""
        if self._eyes.lpips is not None:
            by_digest = {self._digest(name): name for job in self._plan.jobs for name in job.like}
            self._distances = Distances(self._eyes.lpips, lambda digest: self._picture(by_digest[digest]))
        self._sight.see(self._asks(frozenset(part for metric in metrics for part in parts(metric))))

    def _asks(self, metrics: frozenset[str]) -> Iterator[Ask]:
        """What the metrics, without their parts, ask of each picture."""
        eyes = self._eyes
        alike = [eye for eye, metric in ((eyes.clip, plans.CLIP_I), (eyes.dino, plans.DINO), (eyes.answers, plans.VQA))
                 if eye is not None and metric in metrics]
        said = [eye for eye, asked in ((eyes.clip, {plans.CLIP_T, plans.CLIP_T_OBJECT, plans.R_PRECISION}),
                                       (eyes.blip, {plans.BLIP})) if eye is not None and asked & metrics]
        whole = [eyes.whole[0]] if metrics & {plans.FID, plans.KID} else []
        whole += [eyes.inception] if plans.IS in metrics else []
        for job in self._plan.jobs:
            names = [_own(job), *job.like, *(name for some in job.apart.values() for name in some)]
            if job.like:
                yield from (Ask(eye, name) for name in names for eye in alike)
                if self._distances is not None:
                    yield self._far(job)
            if job.texts:
                yield from (Ask(eye, _own(job)) for eye in said)
            if job.asked and eyes.conditions is not None:
                yield Ask(eyes.conditions, _own(job), job.asked)
            if plans.LEAK in metrics and (shown := _leaking(job)):
                yield from (Ask(self._layouts, name) for name in (_own(job), job.target, *shown))
            yield from (Ask(eye, _own(job)) for eye in whole if eye is not None)

    def column(self, metric: str) -> Floats:
        """A value for each job, nan where it has none."""
        if metric not in self._done:
            self._done[metric] = self._column(metric)
        return self._done[metric]

    def _column(self, metric: str) -> Floats:
        if metric.startswith("SWD("):
            div, sim = (self.column(one) for one in metric[4:-1].split(", "))
            return self._filled([job for at, job in enumerate(self._plan.jobs)
                                 if job.group != REAL and not np.isnan(div[at] + sim[at])],
                                lambda jobs: swd.products(div[self._places(jobs)], sim[self._places(jobs)]))
        base, jobs, eyes = parts(metric)[0], self._plan.jobs, self._eyes
        if base in (plans.CLIP_I, plans.DINO):
            some = metric.removeprefix(base).strip(" ()")
            eye = eyes.clip if base == plans.CLIP_I else eyes.dino
            like = {job.key: job.apart.get(some, ()) if some else job.like for job in jobs}
            return self._filled([job for job in jobs if like[job.key]], lambda mine: cosines.similarity(
                self._vectors(eye, [_own(job) for job in mine]),
                [self._vectors(eye, like[job.key]) for job in mine]))
        if base in (plans.CLIP_T, plans.CLIP_T_OBJECT, plans.BLIP):
            eye = eyes.blip if base == plans.BLIP else eyes.clip
            return self._filled([job for job in jobs if _text(job, base)], lambda mine: cosines.alignment(
                self._vectors(eye, [_own(job) for job in mine]), self._texts(eye, [_text(job, base) for job in mine])))
        others: dict[str, Callable[[], Floats]] = {
            plans.VQA: self._vqa, plans.VQA_AMONG: self._vqa_among, plans.CONDITIONS: lambda: self._conditions(np.mean),
            plans.ALL_CONDITIONS: lambda: self._conditions(np.all), plans.LPIPS: self._lpips, plans.LEAK: self._leaks,
            plans.R_PRECISION: self._retrieved, plans.R_CLASSIFIER: self._classified,
            plans.R_AMONG: self._among_classes}
        return others[metric]()

    def _places(self, jobs: Sequence[Job]) -> list[int]:
        at = {job.key: place for place, job in enumerate(self._plan.jobs)}
        return [at[job.key] for job in jobs]

    def _filled(self, jobs: Sequence[Job], work: Callable[[Sequence[Job]], Floats]) -> Floats:
        """A column with the values of some jobs in their places."""
        made = np.full(len(self._plan.jobs), np.nan)
        if jobs:
            made[self._places(jobs)] = work(jobs)
        return made

    def _vectors(self, eye: Annotator | None, names: Sequence[str], column: str = "") -> Floats:
        """What a model saw in pictures, N x d."""
        assert eye is not None
        which = column or eye.features.names[0]
        return np.stack([np.asarray(self._sight[Ask(eye, name)][which], np.float64) for name in names])

    def _texts(self, eye: Embeddings | None, said: Sequence[str]) -> Floats:
        """Embeddings of texts, N x d, each of which is read once."""
        assert eye is not None
        if new := [text for text in dict.fromkeys(said) if (eye.identity, text) not in self._said]:
            made = np.asarray(eye.texts(new), np.float64)
            if not np.isfinite(made).all():
                raise UsageError(f"what {eye.name} reads holds NaN or infinity: its weights are broken",
                                 seen=eye.provenance.get("weights", ""), allowed="numbers",
                                 next_command=f"another model: see --{eye.name}")
            self._said |= {(eye.identity, text): vector for text, vector in zip(new, made, strict=True)}
        return np.stack([self._said[eye.identity, text] for text in said])

    def _answers(self, names: Sequence[str]) -> Floats:
        """Embeddings of the answers about pictures, N x questions x d."""
        eye = self._eyes.answers
        assert eye is not None
        said = [self._sight[Ask(eye, name)]["answers"] for name in names]
        return np.stack([self._texts(self._eyes.clip, row) for row in said])

    def _vqa(self) -> Floats:
        return self._filled([job for job in self._plan.jobs if job.like], lambda mine: vqa(
            [self._answers(job.like) for job in mine], self._answers([_own(job) for job in mine])))

    def _vqa_among(self) -> Floats:
        """Within a prompt of a subject; of real pictures within the subject. None for a lone picture."""
        some: dict[object, list[Job]] = {}
        for job in self._plan.jobs:
            if job.like:
                some.setdefault((job.run, job.subject, job.group, job.prompt, job.scale), []).append(job)
        made = np.full(len(self._plan.jobs), np.nan)
        for mine in some.values():
            if len(mine) > 1:
                made[self._places(mine)] = vqa_among(self._answers([_own(job) for job in mine]))
        return made

    def _conditions(self, of: Callable[[list[bool]], float]) -> Floats:
        eye = self._eyes.conditions
        assert eye is not None
        return self._filled([job for job in self._plan.jobs if job.asked], lambda mine: np.array(
            [of([answer.lower().startswith("yes") for answer in self._sight[Ask(eye, _own(job), job.asked)]["answers"]])
             for job in mine], np.float64))

    def _far(self, job: Job) -> Ask:
        assert self._distances is not None
        return Ask(self._distances, _own(job), tuple(self._digest(name) for name in job.like))

    def _digest(self, name: str) -> str:
        try:
            return self._sight.digest(name)
        except RowError as error:
            raise UsageError(f"a reference cannot be read: {error}", seen=name) from None

    def _picture(self, name: str) -> Picture:
        return images.decode(_loader(self._plan, Path())(name)).picture

    def _lpips(self) -> Floats:
        return self._filled([job for job in self._plan.jobs if job.like], lambda mine: np.array(
            [self._sight[self._far(job)]["lpips"] for job in mine]))

    def _leaks(self) -> Floats:
        def layout(name: str) -> leakage.Layout:
            said = self._sight[Ask(self._layouts, name)]
            return leakage.Layout(*(said[half].reshape(leakage.GRID, -1) for half in ("light", "where")))

        return self._filled([job for job in self._plan.jobs if _leaking(job)], lambda mine: np.array(
            [np.mean([leakage.leakage(layout(_own(job)), layout(name), layout(job.target)).leak
                      for name in _leaking(job)]) for job in mine]))

    def _retrieved(self) -> Floats:
        """AttnGAN's, among as many captions as there are, at most 100."""
        metric, captions = plans.R_PRECISION, self._plan.captions
        jobs = [job for job in self._plan.jobs if _text(job, metric)]
        others = {job.key: [text for text in captions if text != _text(job, metric)] for job in jobs}
        among = min([r_precision.AMONG, *(len(some) + 1 for some in others.values())])
        clip = self._eyes.clip
        return self._filled(jobs, lambda mine: r_precision.attngan(
            self._vectors(clip, [_own(job) for job in mine]), self._texts(clip, [_text(job, metric) for job in mine]),
            [self._texts(clip, others[job.key]) for job in mine], [job.key for job in mine], among))

    def _classified(self) -> Floats:
        """Of drawn pictures, by a classifier that learns the subject from real pictures of all subjects."""
        clip, real, drawn = self._eyes.clip, dict[str, list[str]](), dict[str, list[Job]]()
        for job in self._plan.jobs:
            if job.group == REAL:
                real.setdefault(job.subject, []).append(_own(job))
            else:
                drawn.setdefault(job.subject, []).append(job)
        made = np.full(len(self._plan.jobs), np.nan)
        for subject, mine in drawn.items():
            others = [name for other, names in real.items() if other != subject for name in names]
            learnt = concept_classifier.train(*(self._vectors(clip, names).astype(np.float32)
                                                for names in (real[subject], others)), seed=0)
            sure = learnt.scores(self._vectors(clip, [_own(job) for job in mine])) / 10
            made[self._places(mine)] = r_precision.classifier(sure)
        return made

    def _among_classes(self) -> Floats:
        """Those of COTI's later code, also of real pictures."""
        clip, metric = self._eyes.clip, plans.R_AMONG
        return self._filled([job for job in self._plan.jobs if metric in job.texts], lambda mine:
                            r_precision.among_classes(self._vectors(clip, [_own(job) for job in mine]),
                                                      self._texts(clip, [job.texts[metric] for job in mine]),
                                                      self._texts(clip, self._plan.classes)))

    def of_sets(self, metric: str, warnings: list[str]) -> dict[tuple[str, str], float]:
        """FID, KID or IS by (group, subject), "" for all; those of fewer pictures than it needs are left out."""
        eye, _ = self._eyes.whole if metric != plans.IS else (self._eyes.inception, "")
        assert eye is not None
        found: dict[tuple[str, str], float] = {}
        few = 0
        for part in self._sets():
            if metric == plans.IS:
                logits = self._vectors(eye, part.made, "logits")
                found[part.group, part.subject] = inception_score(logits, 10 if len(logits) >= SPLIT else 1).mean
                continue
            if min(len(part.made), len(part.real)) < 2:
                few += 1
                continue
            real, made = self._vectors(eye, part.real), self._vectors(eye, part.made)
            distance = (frechet.fid if metric == plans.FID else frechet.kid)(real, made)
            found[part.group, part.subject] = distance.value
            if distance.warning and not (part.group or part.subject):
                warnings.append(distance.warning)
        if few:
            warnings.append(f"{metric} of {few:,} sets left out: it needs 2 pictures, real and drawn, of each")
        return found

    def _sets(self) -> Iterator[_Part]:
        drawn = [job for job in self._plan.jobs if job.group != REAL]
        real = [job for job in self._plan.jobs if job.group == REAL]
        for group in ["", *dict.fromkeys(job.group for job in drawn if job.group)]:
            mine = [job for job in drawn if group in ("", job.group)]
            for subject in ["", *dict.fromkeys(job.subject for job in mine)]:
                made = [job for job in mine if subject in ("", job.subject)]
                there = {job.subject for job in made}
                own = dict.fromkeys(_own(job) for job in real if job.subject in there)
                yield _Part(group, subject, [_own(job) for job in made], list(own))


def _text(job: Job, metric: str) -> str:
    """What a picture is compared with; BLIP and R-precision take CLIP-T's text where they have no other."""
    other = plans.CLIP_T if metric in (plans.BLIP, plans.R_PRECISION) else metric
    return job.texts.get(metric) or job.texts.get(other, "")


def _leaking(job: Job) -> list[str]:
    """References whose layout could leak into a drawn picture: whole figures, others than its target."""
    if not (job.prompt and job.target):
        return []
    return [one.picture for one in job.shown if one.concept == "figure" and one.picture != job.target]
