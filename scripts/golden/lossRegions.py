"""Writes test/golden/lossRegions.json: values and gradients of losses of distances, rankings, regions and boxes, and of distillation, in f64. PyTorch
has hinge_embedding_loss and kl_div; the other rows are the written formulas, differentiated by PyTorch.

Run with Debian's python3-torch (1.13): /usr/bin/python3 scripts/golden/lossRegions.py
"""
import math

import torch
import torch.nn.functional as F

from lossRows import LossRows, draws, inf

rows = LossRows()
case, limit = rows.case, rows.limit
randn, rand = draws(23)
EPSILON = 1e-7
weight = rand(5)

# --- distances ---
same, distances = (rand(5, 3) > 0.5).to(torch.float64), rand(5, 3) * 3


def contrastive(d, t, margin=1.0):
    return t * d**2 + (1 - t) * (margin - d).clamp(min=0) ** 2


case('contrastive', {}, same, distances, lambda x: contrastive(x, same).mean(-1))
case('contrastive', {'margin': 2}, same[:, 0], distances[:, :1], lambda x: contrastive(x[:, 0], same[:, 0], 2), weight=weight, note='[n] against [n,1]')
sign = same * 2 - 1
case('hingeEmbedding', {}, sign, distances, lambda x: F.hinge_embedding_loss(x, sign, reduction='none').mean(-1))
case('hingeEmbedding', {'margin': 2}, sign, distances, lambda x: F.hinge_embedding_loss(x, sign, margin=2, reduction='none').mean(-1), weight=weight)
case('wasserstein', {}, sign, distances, lambda x: (sign * x).mean(-1), weight=weight)
limit('contrastive', 'on the margin and far', {}, [[1.0, 0.0, 0.0, 1.0]], [[0.0, 1.0, 1e4, 1e4]], lambda p, t: contrastive(p, t).mean())
limit('contrastive', 'infinitely far', {}, [[0.0]], [[inf]], lambda p, t: (p * 0).nan_to_num().mean())
limit('hingeEmbedding', 'on the margin and far', {}, [[1.0, -1.0, -1.0, -1.0]], [[1e4, 1.0, 1e4, 0.0]], lambda p, t: F.hinge_embedding_loss(p, t))
limit('wasserstein', 'infinite', {}, [[1.0, 0.0]], [[inf, inf]], lambda p, t: p[:, 0].mean() / 2)

# --- rankings: items of relevance below 0 are not read ---
relevance = torch.tensor([[2.0, 0, 1, -1], [0, 0, 0, 0], [1, 1, 3, 2], [-1, 4, -1, 0], [-1, -1, -1, -1]])
scores = randn(5, 4) * 2


def listwise(s, y, temperature=1.0):
    log_p = torch.log_softmax(torch.where(y < 0, torch.full_like(s, -1e30), s / temperature), -1)
    return -(y.clamp(min=0) * log_p).sum(-1)


def pairwise(s, y, temperature=1.0):
    above = (y[..., :, None] > y[..., None, :]) & (y[..., None, :] >= 0)
    return (above * F.softplus(-(s[..., :, None] - s[..., None, :]) / temperature)).sum(-1).mean(-1)


for name, values in {'rankingSoftmax': listwise, 'pairwiseLogistic': pairwise}.items():
    case(name, {}, relevance, scores, lambda x: values(x, relevance))
    case(name, {'temperature': 0.5}, relevance, scores, lambda x: values(x, relevance, 0.5), weight=weight, note='weighted')
    limit(name, 'far scores', {}, [[1.0, 0.0, 2.0]], [[1e4, -1e4, 0.0]], lambda p, t: values(p, t).mean())
    limit(name, 'nothing to read', {}, [[-1.0, -1.0], [0.0, 0.0]], [[inf, 1.0], [1.0, 2.0]], lambda p, t: (p[1] * 0).sum() + (p[0] * 0).nan_to_num().sum())
limit('rankingSoftmax', 'impossible items', {}, [[0.0, 1.0, -1.0]], [[-inf, 2.0, inf]], lambda p, t: (p[:, 1] * 0).mean())

# --- regions ---
masks, q = (rand(5, 3, 2) > 0.6).to(torch.float64), rand(5, 3, 2)
masks[0] = 0


def dice(p, t, axis=(0, 1, 2)):
    return 1 - 2 * (t * p).sum(axis) / (t.sum(axis) + p.sum(axis) + EPSILON)


def generalized(p, t, axis=(0, 1)):
    size = t.sum(axis)
    factor = torch.where(size > 0, 1 / size**2, torch.zeros_like(size))
    factor = torch.where(size > 0, factor, factor.max(-1, keepdim=True).values)
    return 1 - 2 * (factor * (t * p).sum(axis)).sum(-1) / ((factor * (t.sum(axis) + p.sum(axis))).sum(-1) + EPSILON)


def tversky(p, t, alpha=0.5, beta=0.5, axis=(0, 1, 2)):
    both, missed, wrong = ((t * p).sum(axis), (t * (1 - p)).sum(axis), (p * (1 - t)).sum(axis))
    return 1 - both / (both + alpha * missed + beta * wrong + EPSILON)


def focal_tversky(p, t, alpha=0.7, beta=0.3, gamma=0.75, axis=(0, 1, 2)):
    return tversky(p, t, alpha, beta, axis) ** gamma


def flat(values):
    """A scalar as one value."""
    return values.reshape(-1)


for name, values in {'dice': dice, 'tversky': tversky, 'focalTversky': focal_tversky}.items():
    case(name, {}, masks, q, lambda x: flat(values(x, masks)))
    case(name, {'axis': [1, -1]}, masks, q, lambda x: values(x, masks, axis=(1, 2)), weight=weight, note='weighted')
    case(name, {'axis': [1]}, masks, q, lambda x: values(x, masks, axis=1).reshape(-1), note='each channel')
    case(name, {}, masks[:, 0, 0], q[:, 0, :1], lambda x: flat(values(x[:, 0], masks[:, 0, 0], axis=0)), note='[n] against [n,1]')
    limit(name, 'nothing in both', {}, [[0.0, 0.0]], [[0.0, 0.0]], lambda p, t: 1 + (p * 0).sum())
    limit(name, 'nothing to find', {}, [[0.0, 0.0]], [[0.5, 0.0]], lambda p, t: values(p, t, axis=(0, 1)))
    limit(name, 'half hit', {}, [[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 1.0, 0.0]], lambda p, t: values(p, t, axis=(0, 1)))
case('dice', {'generalized': True}, masks, q, lambda x: flat(generalized(x, masks)))
case('dice', {'generalized': True, 'axis': [1]}, masks, q, lambda x: generalized(x, masks, (1,)), weight=weight, note='weighted, one sample is empty')
one_class = masks * torch.tensor([1.0, 0.0])
case('dice', {'generalized': True}, one_class, q, lambda x: flat(generalized(x, one_class)), note='an empty class')
case('tversky', {'alpha': 0.7, 'beta': 0.3}, masks, q, lambda x: flat(tversky(x, masks, 0.7, 0.3)))
case('focalTversky', {'gamma': 2, 'alpha': 0.4}, masks, q, lambda x: flat(focal_tversky(x, masks, 0.4, 0.3, 2)))

# --- boxes ---
corner, size = randn(6, 2), rand(6, 2) * 3
boxes = torch.cat([corner, corner + size], -1)
corner, size = corner + randn(6, 2) * 0.7, rand(6, 2) * 3
predicted = torch.cat([corner, corner + size], -1)


def parts(p, t):
    near, far = torch.minimum(p[..., :2], t[..., :2]), torch.maximum(p[..., 2:], t[..., 2:])
    inner = (torch.minimum(p[..., 2:], t[..., 2:]) - torch.maximum(p[..., :2], t[..., :2])).relu().prod(-1)
    union = (p[..., 2:] - p[..., :2]).prod(-1) + (t[..., 2:] - t[..., :2]).prod(-1) - inner
    return inner / (union + EPSILON), union, far - near


def giou(p, t):
    iou, union, around = parts(p, t)
    whole = around.prod(-1)
    return 1 - iou + (whole - union) / (whole + EPSILON)


def ciou(p, t):
    iou, _, around = parts(p, t)
    distance = (((p[..., :2] + p[..., 2:]) - (t[..., :2] + t[..., 2:])) ** 2).sum(-1) / 4
    angle = lambda b: torch.atan2(b[..., 2] - b[..., 0], b[..., 3] - b[..., 1])
    v = 4 / math.pi**2 * (angle(t) - angle(p)) ** 2
    factor = (v / (1 - iou + v + EPSILON)).detach()
    return 1 - iou + distance / ((around**2).sum(-1) + EPSILON) + factor * v


def convert(b, form):
    if form == 'yxyx':
        return b[..., [1, 0, 3, 2]]
    if form == 'xywh':
        return torch.cat([b[..., :2], b[..., :2] + b[..., 2:]], -1)
    if form == 'centerXywh':
        return torch.cat([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], -1)
    return b


positive = lambda b: torch.cat([b[..., :2], b[..., 2:].abs() + 0.1], -1)
for name, values in {'giou': giou, 'ciou': ciou}.items():
    case(name, {}, boxes, predicted, lambda x: values(x, boxes))
    case(name, {}, boxes.reshape(2, 3, 4), predicted.reshape(2, 3, 4), lambda x: values(x, boxes.reshape(2, 3, 4)), weight=rand(2, 3), note='rank 3')
    for form in ['yxyx', 'xywh', 'centerXywh']:
        t, p = (boxes, predicted) if form == 'yxyx' else (positive(boxes), positive(predicted))
        case(name, {'boxFormat': form}, t, p, lambda x: values(convert(x, form), convert(t, form)))
    mean = lambda p, t: values(p, t).mean()
    limit(name, 'equal', {}, [[0.0, 0.0, 2.0, 1.0]], [[0.0, 0.0, 2.0, 1.0]], mean)
    limit(name, 'side by side', {}, [[0.0, 0.0, 1.0, 1.0]], [[1.0, 0.0, 2.0, 1.0]], mean)
    limit(name, 'apart', {}, [[0.0, 0.0, 1.0, 1.0]], [[5.0, 7.0, 6.0, 9.0]], mean)
    limit(name, 'one within the other', {}, [[0.0, 0.0, 4.0, 4.0]], [[1.0, 1.0, 2.0, 3.0]], mean)
    limit(name, 'a line', {}, [[0.0, 0.0, 1.0, 1.0]], [[0.25, 0.5, 0.75, 0.5]], mean)
limit('giou', 'two equal points', {}, [[1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0]], lambda p, t: giou(p, t).mean())
limit('ciou', 'two equal points', {}, [[1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0]], lambda p, t: 1 + (p * 0).sum())

# --- divergence from logarithms ---
q, log_t = torch.softmax(randn(5, 4), -1), torch.log_softmax(randn(5, 4), -1)
from_log = lambda x: F.kl_div(torch.log(x), log_t, reduction='none', log_target=True).sum(-1)
case('klDivergence', {'logTarget': True}, log_t, q, from_log)
case('klDivergence', {'logTarget': True}, log_t, q, from_log, weight=weight, note='weighted')
limit('klDivergence', 'log-probabilities of 0', {'logTarget': True}, [[-inf, 0.0]], [[0.0, 1.0]], lambda p, t: -torch.log(p[:, 1]).mean())

# --- distillation ---
teacher, student = randn(5, 4) * 3, randn(5, 4) * 3


def distil(x, t, temperature=3.0):
    q = torch.softmax(t / temperature, -1)
    return F.kl_div(torch.log_softmax(x / temperature, -1), q, reduction='none').sum(-1) * temperature**2


case('distillation', {}, teacher, student, lambda x: distil(x, teacher))
case('distillation', {'temperature': 1}, teacher, student, lambda x: distil(x, teacher, 1), weight=weight, note='weighted')
limit('distillation', 'far logits', {'temperature': 1}, [[1e4, -1e4, 0.0]], [[0.0, 1e4, -1e4]], lambda p, t: distil(p, t, 1).mean())
limit('distillation', 'impossible classes', {}, [[-inf, 1.0, 2.0]], [[-inf, 3.0, 1.0]], lambda p, t: distil(p[:, 1:], t[:, 1:]).mean())

rows.write('lossRegions.json')
