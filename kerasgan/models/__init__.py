"""The model families, one paper per file."""

from kerasgan.models.acgan import ACGAN
from kerasgan.models.age_cgan import AgeCGAN
from kerasgan.models.bigan import BiGAN
from kerasgan.models.bigbigan import BigBiGAN
from kerasgan.models.biggan import BigGAN, BigGANDeep
from kerasgan.models.cgan import CGAN
from kerasgan.models.cut import CUT
from kerasgan.models.cyclegan import CycleGAN
from kerasgan.models.dcgan import DCGAN
from kerasgan.models.esrgan import ESRGAN
from kerasgan.models.fastgan import FastGAN
from kerasgan.models.frame_predictor import FramePredictor
from kerasgan.models.gan import GAN
from kerasgan.models.gan3d import GAN3D
from kerasgan.models.gmmn import GMMN, GMMNAE
from kerasgan.models.infogan import InfoGAN
from kerasgan.models.lapgan import LAPGAN
from kerasgan.models.lsgan import LSGAN
from kerasgan.models.molgan import MolGAN
from kerasgan.models.pix2pix import Pix2Pix
from kerasgan.models.progan import ProGAN
from kerasgan.models.r3gan import R3GAN
from kerasgan.models.relgan import RelGAN
from kerasgan.models.sagan import SAGAN
from kerasgan.models.seqgan import SeqGAN
from kerasgan.models.simgan import SimGAN
from kerasgan.models.sngan import SNGAN
from kerasgan.models.specgan import SpecGAN
from kerasgan.models.srgan import SRGAN
from kerasgan.models.stackgan import StackGAN
from kerasgan.models.stylegan import StyleGAN
from kerasgan.models.stylegan2 import StyleGAN2
from kerasgan.models.stylegan3 import StyleGAN3
from kerasgan.models.text_to_image import TextToImageGAN
from kerasgan.models.unrolled_gan import UnrolledGAN
from kerasgan.models.vaegan import VAEGAN
from kerasgan.models.videogan import VideoGAN
from kerasgan.models.wavegan import WaveGAN
from kerasgan.models.wgan import WGAN
from kerasgan.models.wgan_gp import WGANGP

__all__ = [
    "ACGAN",
    "CGAN",
    "CUT",
    "DCGAN",
    "ESRGAN",
    "GAN",
    "GAN3D",
    "GMMN",
    "GMMNAE",
    "LAPGAN",
    "LSGAN",
    "R3GAN",
    "SAGAN",
    "SNGAN",
    "SRGAN",
    "VAEGAN",
    "WGAN",
    "WGANGP",
    "AgeCGAN",
    "BiGAN",
    "BigBiGAN",
    "BigGAN",
    "BigGANDeep",
    "CycleGAN",
    "FastGAN",
    "FramePredictor",
    "InfoGAN",
    "MolGAN",
    "Pix2Pix",
    "ProGAN",
    "RelGAN",
    "SeqGAN",
    "SimGAN",
    "SpecGAN",
    "StackGAN",
    "StyleGAN",
    "StyleGAN2",
    "StyleGAN3",
    "TextToImageGAN",
    "UnrolledGAN",
    "VideoGAN",
    "WaveGAN",
]
