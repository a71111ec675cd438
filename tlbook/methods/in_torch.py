"""The transfer of `tlbook.methods.backends` once more, in PyTorch alone: for readers who think in it.

PyTorch is loaded when a function here is called, and not before: the book does without it.
"""

import numpy as np


def body(arrays):
    """Return blocks 1 to 4 of VGG16 as a `torch.nn.Sequential`: pixels (n, 3, h, w) to features (n, 512, h', w').

    `arrays` are as `tlbook.backbones.vgg16.read` returns them, and the pixels as from `pixels`. The features are those
    of Keras's VGG16, with the channels in front. Needs PyTorch. Taught in chapter 6.1.
    """
    import torch

    layers = []
    for name, (kernel, bias) in arrays.items():
        if name >= "block5":
            continue
        if name.endswith("conv1") and layers:
            layers.append(torch.nn.MaxPool2d(2))
        conv = torch.nn.Conv2d(*kernel.shape[2:], 3, padding=1)
        # Keras keeps (h, w, in, out), PyTorch (out, in, h, w).
        conv.weight.data = torch.tensor(kernel.transpose(3, 2, 0, 1))
        conv.bias.data = torch.tensor(bias)
        layers += [conv, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.MaxPool2d(2))


def pixels(images):
    """Turn RGB pixels (n, h, w, 3) uint8 into what VGG16 was trained on, BGR less the mean: (n, 3, h, w) float32.

    Needs PyTorch. Taught in chapter 6.1.
    """
    import torch

    from tlbook.backbones import vgg16

    bgr = images[..., ::-1] - np.array(vgg16.MEAN_BGR, "float32")
    return torch.tensor(bgr.transpose(0, 3, 1, 2))


def fine_tune(arrays, train, test, epochs=(20, 2)):
    """Do what `tlbook.methods.backends.fine_tune` does, in PyTorch alone: the same arguments, steps and predictions.

    Rounding may turn a near tie. Needs PyTorch. Taught in chapter 6.1.
    """
    import torch

    def learn(model, weights, inputs, rate, epochs):
        optimizer = torch.optim.Adam(weights, rate, eps=1e-7)  # eps as in Keras
        for _ in range(epochs):
            for x, y in zip(inputs.split(32), labels.split(32), strict=True):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()

    images, labels = pixels(train.images), torch.tensor(train.labels)
    network = body(arrays)
    for layer in network[:17]:  # all that comes before block 4
        layer.requires_grad_(False)

    with torch.no_grad():
        features = torch.cat([network(x) for x in images.split(32)])
    std, mean = torch.std_mean(features, correction=0)
    logits = torch.nn.Linear(features[0].numel(), 10)
    for weights in logits.parameters():
        torch.nn.init.zeros_(weights)
    head = torch.nn.Sequential(torch.nn.Flatten(), logits)
    learn(head, [*head.parameters()], (features - mean) / std, 1e-3, epochs[0])

    def model(x):
        return head((network(x) - mean) / std)

    tuned = [*network[17:].parameters(), *head.parameters()]
    learn(model, tuned, images, 1e-5, epochs[1])
    with torch.no_grad():
        return model(pixels(test.images)).argmax(dim=1).numpy()
