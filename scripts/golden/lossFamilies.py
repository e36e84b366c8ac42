"""Writes test/golden/lossFamilies.json: values and gradients of robust, likelihood and multi-class losses by PyTorch, in f64, and their limits.

Run with Debian's python3-torch (1.13): /usr/bin/python3 scripts/golden/lossFamilies.py
"""
import torch
import torch.nn.functional as F

from lossRows import LossRows, draws, inf

rows = LossRows()
case, limit = rows.case, rows.limit
randn, rand = draws(11)
EPSILON = 1e-7

# --- numbers ---
t, p = randn(5, 3) * 3, randn(5, 3) * 3
counts, rates, weight = (rand(5, 3) * 8).floor(), rand(5, 3) * 4, rand(5)


def charbonnier(x, t, epsilon=1e-3):
    return torch.sqrt((x - t) ** 2 + epsilon**2)


def tukey(x, t, c=4.685):
    u = ((x - t) / c) ** 2
    return torch.where(u <= 1, c * c / 6 * (1 - (1 - u) ** 3), torch.full_like(u, c * c / 6))


def pinball(x, t, q=0.5):
    return torch.maximum(q * (t - x), (q - 1) * (t - x))


def poisson(x, t, **options):
    return F.poisson_nll_loss(x, t, reduction='none', **options)


def gaussian(x, t, **options):
    n = x.shape[-1] // 2
    return F.gaussian_nll_loss(x[..., :n], t, x[..., n:], reduction='none', **options)


numbers = [
    ('charbonnier', {}, t, p, lambda x: charbonnier(x, t)),
    ('charbonnier', {'epsilon': 0.5}, t, p, lambda x: charbonnier(x, t, 0.5)),
    ('tukeyBiweight', {}, t, p, lambda x: tukey(x, t)),
    ('tukeyBiweight', {'c': 2}, t, p, lambda x: tukey(x, t, 2.0)),
    ('quantile', {}, t, p, lambda x: pinball(x, t)),
    ('quantile', {'quantile': 0.9}, t, p, lambda x: pinball(x, t, 0.9)),
    ('poissonNll', {}, counts, p, lambda x: poisson(x, counts)),
    ('poissonNll', {'full': True}, counts, p, lambda x: poisson(x, counts, full=True)),
    ('poissonNll', {'logInput': False, 'epsilon': 1e-3}, counts, rates, lambda x: poisson(x, counts, log_input=False, eps=1e-3)),
    ('gaussianNll', {}, t, torch.cat([p, rates], -1), lambda x: gaussian(x, t)),
    ('gaussianNll', {'full': True, 'epsilon': 1.5}, t, torch.cat([p, rates], -1), lambda x: gaussian(x, t, full=True, eps=1.5)),
]
for name, options, targets, predictions, values in numbers:
    case(name, options, targets, predictions, lambda x: values(x).mean(-1))
    case(name, options, targets, predictions, lambda x: values(x).mean(-1), weight=weight, note='weighted')
pair = torch.cat([p[:, :1], rates[:, :1]], -1)
case('gaussianNll', {}, t[:, 0], pair, lambda x: gaussian(x, t[:, :1]).mean(-1), note='[n] against [n,2]')

# --- classes ---
labels, scores, wc = torch.tensor([2, 0, 3, 3, 1]), randn(5, 4) * 3, [0.5, 2.0, 1.25, 0.75]
one_hot, factors = F.one_hot(labels, 4).to(torch.float64), torch.tensor(wc)
soft, log_p = torch.softmax(scores, -1), torch.log_softmax(scores, -1)
cube, cube_labels = randn(2, 3, 4), torch.tensor([[0, 3, 1], [2, 2, 0]])
case('nll', {}, labels, log_p, lambda x: F.nll_loss(x, labels, reduction='none'))
case('nll', {}, labels[:, None], log_p, lambda x: F.nll_loss(x, labels, reduction='none'), weight=weight, note='[n,1], weighted')
case('nll', {}, cube_labels, cube, lambda x: F.nll_loss(x.permute(0, 2, 1), cube_labels, reduction='none'), note='rank 3')


def poly(log_p, t, epsilon=2.0):
    return -(t * log_p).sum(-1) + epsilon * (1 - (t * log_p.exp()).sum(-1))


case('polyLoss', {}, one_hot, soft, lambda x: poly(torch.log(x / x.sum(-1, keepdim=True)), one_hot))
case('polyLoss', {'fromLogits': True, 'epsilon': -1}, one_hot, scores, lambda x: poly(torch.log_softmax(x, -1), one_hot, -1), weight=weight)
smooth = one_hot * 0.9 + 0.025
case('polyLoss', {'fromLogits': True, 'labelSmoothing': 0.1}, one_hot, scores, lambda x: poly(torch.log_softmax(x, -1), smooth))


def generalized(p, t, q=0.5):
    return (1 - p.gather(-1, t[..., None])[..., 0] ** q) / q


name = 'categoricalGeneralizedCrossEntropy'
case(name, {}, labels, soft, lambda x: generalized(x, labels))
case(name, {'q': 0.1}, labels, soft, lambda x: generalized(x, labels, 0.1), weight=weight, note='weighted')
case(name, {'q': 0.7, 'fromLogits': True}, labels, scores, lambda x: generalized(torch.softmax(x, -1), labels, 0.7))
case(name, {'fromLogits': True}, cube_labels, cube, lambda x: generalized(torch.softmax(x, -1), cube_labels), note='rank 3')

multi = lambda x, **options: F.multi_margin_loss(x, labels, reduction='none', **options)
case('multiMargin', {}, labels, scores, lambda x: multi(x))
case('multiMargin', {'p': 2, 'margin': 0.5}, labels, scores, lambda x: multi(x, p=2, margin=0.5), weight=weight, note='weighted')
case('multiMargin', {'p': 2, 'classWeight': wc}, labels, scores, lambda x: multi(x, p=2, weight=factors))
flat = lambda x: F.multi_margin_loss(x.reshape(6, 4), cube_labels.reshape(6), reduction='none').reshape(2, 3)
case('multiMargin', {}, cube_labels, cube, flat, note='rank 3')

listed = torch.tensor([[3, 0, -1, 1], [-1, 1, 1, 1], [0, 1, 2, 3], [2, -1, -1, -1], [1, 3, 0, -1]])
several = lambda x: F.multilabel_margin_loss(x, listed, reduction='none')
case('multiLabelMargin', {}, listed, scores, several)
case('multiLabelMargin', {}, listed, scores, several, weight=weight, note='weighted')

marks = (rand(5, 4) > 0.5).to(torch.float64)
case('multiLabelSoftMargin', {}, marks, scores, lambda x: F.multilabel_soft_margin_loss(x, marks, reduction='none'))
weighted = lambda x: F.multilabel_soft_margin_loss(x, marks, weight=factors, reduction='none')
case('multiLabelSoftMargin', {'classWeight': wc}, marks, scores, weighted, weight=weight, note='weighted')
sign = marks * 2 - 1
case('softMargin', {}, sign, scores, lambda x: F.soft_margin_loss(x, sign, reduction='none').mean(-1))
case('softMargin', {}, marks, scores, lambda x: F.soft_margin_loss(x, sign, reduction='none').mean(-1), weight=weight, note='targets 0 and 1')

# --- limits ---
far = [[1.0, 1e4, -1e4, -1.0]]
zero = [[1.0, 0.0, 0.0, -1.0]]
limit('charbonnier', 'hit and far', {}, zero, far, lambda p, t: charbonnier(p, t).mean())
limit('charbonnier', 'infinite', {}, [[0.0, 0.0]], [[inf, -inf]], lambda p, t: (p - t).abs().mean())
limit('charbonnier', 'squares beyond f32', {}, [[0.0, 0.0]], [[1e30, -1e25]], lambda p, t: charbonnier(p, t).mean())
limit('tukeyBiweight', 'small and far', {}, [[0.0, 0.0, 0.0, 0.0]], [[1e-6, 1e4, -inf, 0.0]], lambda p, t: tukey(torch.where(p.isinf(), p.sign() * 9, p), t).mean())
limit('quantile', 'far and infinite', {'quantile': 0.25}, [[0.0, 0.0, 0.0]], [[1e4, -inf, inf]], lambda p, t: torch.where(p > t, 0.75 * (p - t), 0.25 * (t - p)).mean())
limit('quantile', 'hit', {'quantile': 0.25}, [[2.0]], [[2.0]], lambda p, t: (p - t).abs().mean())
limit('poissonNll', 'counts of 0, rates of 0', {}, [[0.0, 2.0, 0.0]], [[-inf, -80.0, 0.0]], lambda p, t: (torch.exp(p) - torch.where(t > 0, t * p, torch.zeros_like(t))).mean())
limit('poissonNll', 'rate 0', {'logInput': False, 'full': True}, [[0.0, 2.0, 1.0]], [[0.0, 0.0, 1.0]], lambda p, t: F.poisson_nll_loss(p, t, log_input=False, full=True))
limit('gaussianNll', 'variances of 0', {}, [[1.0, 0.0]], [[1.0, 1e-4, 0.0, 0.0]], lambda p, t: gaussian(p, t).mean())
limit('gaussianNll', 'far', {}, [[1.0, 0.0]], [[1.0, 1e4, 1e12, 1e4]], lambda p, t: gaussian(p, t).mean())
limit('nll', 'impossible classes', {}, [1, 2], [[-inf, -1.0, -0.5], [-inf, -inf, 0.0]], F.nll_loss)
limit('nll', 'the target is impossible', {}, [0, 1], [[-inf, -1.0], [0.0, -0.5]], F.nll_loss)
limit('nll', 'class weights', {'classWeight': wc}, labels.tolist(), log_p.tolist(), lambda p, t: F.nll_loss(p, t, factors))
ignored = [2, -100, 3, -100, 1]
limit('nll', 'ignored class', {'ignoreClass': -100}, ignored, log_p.tolist(), lambda p, t: F.nll_loss(p, t))
both = {'ignoreClass': -100, 'classWeight': wc}
limit('nll', 'ignored class, class weights', both, ignored, log_p.tolist(), lambda p, t: F.nll_loss(p, t, factors))
masked = [[-inf, 2.0, 1.0], [-inf, -inf, 3.0]]
hot = [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def poly_of(p, t):
    x = torch.log_softmax(p, -1).gather(-1, t.argmax(-1)[:, None])
    return (-x + 2 * (1 - x.exp())).mean()


limit('polyLoss', 'impossible classes', {'fromLogits': True}, hot, masked, poly_of)
limit('polyLoss', 'far logits', {'fromLogits': True}, hot, [[1e4, -1e4, 0.0], [0.0, 1e4, 1e4]], poly_of)
of_logits = lambda p, t: generalized(torch.softmax(p, -1), t).mean()
limit(name, 'impossible classes', {'fromLogits': True}, [1, 2], masked, of_logits)
exact = lambda p, t: ((1 - torch.exp(0.5 * torch.log_softmax(p, -1).gather(-1, t[:, None]))) / 0.5).mean()
limit(name, 'far logits', {'fromLogits': True}, [1, 2], [[1e4, -1e4, 0.0], [0.0, 1e4, 1e4]], exact)


def with_line(p, t):
    own = p.gather(-1, t[:, None])
    power = torch.where(own < EPSILON, own * EPSILON**-0.5, torch.where(own < EPSILON, torch.ones_like(own), own).sqrt())
    return ((1 - power) / 0.5).mean()


limit(name, 'probabilities of 0 and 1', {}, [0, 1, 1], [[0.0, 1.0], [0.0, 1.0], [1 - 1e-8, 1e-8]], with_line)
limit('multiMargin', 'on the margin', {}, [0, 0], [[1.0, 0.0], [0.0, 0.0]], F.multi_margin_loss)
limit('multiMargin', 'impossible classes', {}, [1, 2], masked, lambda p, t: (torch.relu(1 - p[0, 1] + p[0, 2]) / 3).mean() / 2)
limit('multiMargin', 'far', {'p': 2}, [1, 0], [[1e4, -1e4, 0.0], [1e4, -inf, 0.0]], lambda p, t: ((1 - p[0, 1] + p[0, 0]) ** 2 + (1 - p[0, 1] + p[0, 2]) ** 2) / 6)
limit('multiMargin', 'ignored class', {'ignoreClass': 1}, [1, 0], [[1.0, 2.0], [0.0, 0.5]], lambda p, t: F.multi_margin_loss(p[1:], t[1:]))
limit('multiLabelMargin', 'no label, all labels', {}, [[-1, 0, 1], [0, 1, 2]], [[1.0, 2.0, inf], [3.0, 4.0, -inf]], lambda p, t: torch.where(p > 1e9, p, torch.zeros_like(p)).clamp(max=0).sum())
limit('multiLabelMargin', 'on the margin, far', {}, [[0, 1, -1]], [[1.0, -1e4, 0.0]], lambda p, t: F.multilabel_margin_loss(p, t))
yes = [[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]
limit('multiLabelSoftMargin', 'far logits', {}, yes, [[-1e4, 1e4, 1e4, -1e4, 0.0, 0.0]], F.binary_cross_entropy_with_logits)
limit('softMargin', 'far and infinite', {}, [[1.0, -1.0, 1.0, 1.0]], [[-1e4, -1e4, inf, 0.0]], lambda p, t: F.softplus(-t * p).mean())

rows.write('lossFamilies.json')
